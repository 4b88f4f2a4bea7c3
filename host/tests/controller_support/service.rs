//! The calls of the double.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use jumpstarter_proto::v1::controller_service_server::ControllerService;
use jumpstarter_proto::v1::router_service_server::RouterService;
use jumpstarter_proto::v1::{
    AuditStreamRequest, DialRequest, DialResponse, ExporterStatus, GetLeaseRequest,
    GetLeaseResponse, GetServiceEndpointsRequest, GetServiceEndpointsResponse, ListLeasesRequest,
    ListLeasesResponse, ListenRequest, ListenResponse, RegisterRequest, RegisterResponse,
    ReleaseLeaseRequest, ReleaseLeaseResponse, ReportStatusRequest, ReportStatusResponse,
    RequestLeaseRequest, RequestLeaseResponse, StatusRequest, StatusResponse, StreamRequest,
    StreamResponse, UnregisterRequest, UnregisterResponse,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::double::{Script, State};

pub struct Controller(pub Arc<State>);

pub struct Router(pub Arc<State>);

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the test has prepared, or silence.
fn next_life<T: Send + 'static>(script: &Script<T>) -> Items<T> {
    match script.lock().unwrap().pop_front() {
        Some(life) => Box::pin(ReceiverStream::new(life)),
        None => Box::pin(tokio_stream::pending()),
    }
}

fn short(status: i32) -> String {
    let name = ExporterStatus::try_from(status).unwrap().as_str_name();
    name.strip_prefix("EXPORTER_STATUS_").unwrap().to_owned()
}

// === impl Controller ===

#[tonic::async_trait]
impl ControllerService for Controller {
    type ListenStream = Items<ListenResponse>;
    type StatusStream = Items<StatusResponse>;

    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let message = request.get_ref();
        let mut labels: Vec<_> = message
            .labels
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        labels.sort();
        let details = format!("{} reports {}", message.reports.len(), labels.join(","));
        self.0.receive("Register", &request, &details).await?;
        Ok(Response::new(RegisterResponse::default()))
    }

    async fn unregister(
        &self,
        request: Request<UnregisterRequest>,
    ) -> Result<Response<UnregisterResponse>, Status> {
        let details = request.get_ref().reason.clone();
        self.0.receive("Unregister", &request, &details).await?;
        Ok(Response::new(UnregisterResponse {}))
    }

    async fn report_status(
        &self,
        request: Request<ReportStatusRequest>,
    ) -> Result<Response<ReportStatusResponse>, Status> {
        let ReportStatusRequest {
            status,
            message,
            release_lease,
        } = request.get_ref();
        let release = match release_lease {
            Some(release) => format!(" release_lease={release}"),
            None => String::new(),
        };
        let message = message.as_deref().unwrap_or_default();
        let details = format!("{}: {message}{release}", short(*status));
        self.0.receive("ReportStatus", &request, &details).await?;
        Ok(Response::new(ReportStatusResponse {}))
    }

    async fn listen(
        &self,
        request: Request<ListenRequest>,
    ) -> Result<Response<Self::ListenStream>, Status> {
        let details = request.get_ref().lease_name.clone();
        self.0.receive("Listen", &request, &details).await?;
        Ok(Response::new(next_life(&self.0.invitations)))
    }

    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<Self::StatusStream>, Status> {
        self.0.receive("Status", &request, "").await?;
        Ok(Response::new(next_life(&self.0.statuses)))
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        let details = request.get_ref().name.clone();
        self.0.receive("ReleaseLease", &request, &details).await?;
        Ok(Response::new(ReleaseLeaseResponse {}))
    }

    async fn get_service_endpoints(
        &self,
        request: Request<GetServiceEndpointsRequest>,
    ) -> Result<Response<GetServiceEndpointsResponse>, Status> {
        self.0.receive("GetServiceEndpoints", &request, "").await?;
        Ok(Response::new(GetServiceEndpointsResponse {
            telemetry_endpoints: self.0.telemetry.lock().unwrap().clone(),
        }))
    }

    async fn dial(&self, _: Request<DialRequest>) -> Result<Response<DialResponse>, Status> {
        Err(Status::unimplemented("not a client's double"))
    }

    async fn audit_stream(
        &self,
        _: Request<Streaming<AuditStreamRequest>>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("nobody calls this"))
    }

    async fn get_lease(
        &self,
        _: Request<GetLeaseRequest>,
    ) -> Result<Response<GetLeaseResponse>, Status> {
        Err(Status::unimplemented("not a client's double"))
    }

    async fn request_lease(
        &self,
        _: Request<RequestLeaseRequest>,
    ) -> Result<Response<RequestLeaseResponse>, Status> {
        Err(Status::unimplemented("not a client's double"))
    }

    async fn list_leases(
        &self,
        _: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        Err(Status::unimplemented("not a client's double"))
    }
}

// === impl Router ===

#[tonic::async_trait]
impl RouterService for Router {
    type StreamStream = Items<StreamResponse>;

    /// Like the routers in the field: no header leaves before there is a frame to pass on. What
    /// the caller sends is noted as it comes.
    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        self.0.receive("Stream", &request, "").await?;
        let script = self.0.frames.lock().unwrap().pop_front();
        let Some(mut script) = script else {
            return pending().await;
        };
        let state = Arc::clone(&self.0);
        let mut received = request.into_inner();
        tokio::spawn(async move {
            loop {
                let word = match received.next().await {
                    Some(Ok(frame)) => {
                        let payload = String::from_utf8_lossy(&frame.payload);
                        format!("{:?} {payload}", frame.frame_type())
                    }
                    Some(Err(_)) => "broken".to_owned(),
                    None => "end".to_owned(),
                };
                let over = word == "broken" || word == "end";
                state.heard(&word);
                if over {
                    return;
                }
            }
        });
        let frame = script.recv().await;
        let rest = ReceiverStream::new(script);
        Ok(Response::new(match frame {
            Some(frame) => Box::pin(tokio_stream::once(frame).chain(rest)) as Items<_>,
            None => Box::pin(rest),
        }))
    }
}
