//! `jumpstarter.v1.ExporterService`.

use std::sync::Arc;

use futures_util::stream;
use jumpstarter_proto::v1::exporter_service_server::ExporterService;
use jumpstarter_proto::v1::{
    DriverCallRequest, DriverCallResponse, EndSessionRequest, EndSessionResponse,
    GetReportResponse, GetStatusRequest, GetStatusResponse, LogStreamResponse, ResetRequest,
    ResetResponse, StreamingDriverCallRequest, StreamingDriverCallResponse,
};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::session::Visitor;

use super::{call, deadline, errors, ids, values};

/// Answers one client from its session.
#[derive(Debug)]
pub(super) struct Exporter {
    visitor: Arc<Visitor>,
}

// === impl Exporter ===

impl Exporter {
    pub(super) fn new(visitor: Arc<Visitor>) -> Self {
        Self { visitor }
    }
}

#[tonic::async_trait]
impl ExporterService for Exporter {
    async fn get_report(&self, _: Request<()>) -> Result<Response<GetReportResponse>, Status> {
        Ok(Response::new(self.visitor.session().report()))
    }

    async fn driver_call(
        &self,
        request: Request<DriverCallRequest>,
    ) -> Result<Response<DriverCallResponse>, Status> {
        let deadline = deadline::of(request.metadata());
        let DriverCallRequest { uuid, method, args } = request.into_inner();
        let request = call::Request {
            uuid,
            method,
            args,
            deadline,
        };
        let result = call::unary(&self.visitor, request).await?;
        Ok(Response::new(DriverCallResponse {
            uuid: ids::response_id(),
            result,
        }))
    }

    type StreamingDriverCallStream = BoxStream<StreamingDriverCallResponse>;

    async fn streaming_driver_call(
        &self,
        request: Request<StreamingDriverCallRequest>,
    ) -> Result<Response<Self::StreamingDriverCallStream>, Status> {
        let deadline = deadline::of(request.metadata());
        let StreamingDriverCallRequest { uuid, method, args } = request.into_inner();
        let request = call::Request {
            uuid,
            method,
            args,
            deadline,
        };
        let values = values::open(&self.visitor, request).await?;
        Ok(Response::new(values))
    }

    type LogStreamStream = BoxStream<LogStreamResponse>;

    async fn log_stream(&self, _: Request<()>) -> Result<Response<Self::LogStreamStream>, Status> {
        let lines = stream::unfold(Some(Arc::clone(self.visitor.session())), |session| async {
            let session = session?;
            tokio::select! {
                // The last lines of a closing session still reach the client.
                biased;
                line = session.logs().next() => Some((Ok(line), Some(session.clone()))),
                () = session.closing() => Some((Err(errors::closing()), None)),
            }
        });
        Ok(Response::new(Box::pin(lines)))
    }

    async fn reset(&self, _: Request<ResetRequest>) -> Result<Response<ResetResponse>, Status> {
        // No client calls it; the text is the one the reference answers with.
        Err(Status::unimplemented(
            "Unexpected <class 'NotImplementedError'>: Method not implemented!",
        ))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let notice = self.visitor.read();
        Ok(Response::new(GetStatusResponse {
            status: notice.status.into(),
            message: Some(notice.message),
            status_version: notice.version,
            previous_status: notice.previous.map(Into::into),
        }))
    }

    async fn end_session(
        &self,
        _: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        let (success, message) = self.visitor.session().end();
        Ok(Response::new(EndSessionResponse {
            success,
            message: Some(message.to_owned()),
        }))
    }
}
