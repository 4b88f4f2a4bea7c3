//! The limit: a bare tonic server with tonic's default settings that answers with static data. No
//! dispatch, no log, no tree.

pub(crate) mod relay;
pub(crate) mod router;

use std::{net::Ipv4Addr, pin::Pin};

use bytes::Bytes;
use jumpstarter_proto::v1::{
    DriverCallRequest, DriverCallResponse, DriverInstanceReport, EndSessionRequest,
    EndSessionResponse, ExporterStatus, GetReportResponse, GetStatusRequest, GetStatusResponse,
    LogStreamResponse, ResetRequest, ResetResponse, StreamingDriverCallRequest,
    StreamingDriverCallResponse,
    exporter_service_server::{ExporterService, ExporterServiceServer},
    router_service_server::RouterServiceServer,
};
use prost::Message;
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, transport::Server};

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Debug)]
struct Limit {
    report: GetReportResponse,
    null: Bytes,
    readings: [Bytes; 2],
}

/// Serves until SIGTERM: the encoded report of a file, or if there is none one of so many drivers.
pub(crate) async fn serve(port: u16, drivers: usize, report: &str) {
    let mut term = signal(SignalKind::terminate()).unwrap();
    let mut limit = Limit::new(drivers);
    if let Ok(bytes) = std::fs::read(report) {
        limit.report = GetReportResponse::decode(&bytes[..]).unwrap();
    }
    Server::builder()
        .add_service(ExporterServiceServer::new(limit))
        .add_service(RouterServiceServer::new(router::Router))
        .serve_with_shutdown((Ipv4Addr::LOCALHOST, port).into(), async move {
            term.recv().await;
        })
        .await
        .unwrap();
}

// === impl Limit ===

impl Limit {
    fn new(drivers: usize) -> Self {
        let reading = |voltage: f64, current: f64| {
            let reading = serde_json::json!({"voltage": voltage, "current": current});
            Bytes::from(jumpstarter_value::to_vec(&reading).unwrap())
        };
        let root = uuid(0);
        let mut reports = vec![DriverInstanceReport {
            uuid: root.clone(),
            labels: labels("jumpstarter_driver_composite.client.CompositeClient", None),
            ..Default::default()
        }];
        reports.extend((0..drivers).map(|number| DriverInstanceReport {
            uuid: uuid(number + 1),
            parent_uuid: Some(root.clone()),
            labels: labels(
                "jumpstarter_driver_power.client.PowerClient",
                Some(format!("p{number}")),
            ),
            ..Default::default()
        }));
        Self {
            report: GetReportResponse {
                uuid: uuid(0),
                reports,
                ..Default::default()
            },
            null: Bytes::from_static(jumpstarter_value::NULL),
            readings: [reading(0.0, 0.0), reading(5.0, 2.0)],
        }
    }
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn labels<M: FromIterator<(String, String)>>(client: &str, name: Option<String>) -> M {
    let client = Some(("jumpstarter.dev/client".to_owned(), client.to_owned()));
    let name = name.map(|name| ("jumpstarter.dev/name".to_owned(), name));
    client.into_iter().chain(name).collect()
}

#[tonic::async_trait]
impl ExporterService for Limit {
    async fn get_report(&self, _: Request<()>) -> Result<Response<GetReportResponse>, Status> {
        Ok(Response::new(self.report.clone()))
    }

    async fn driver_call(
        &self,
        _: Request<DriverCallRequest>,
    ) -> Result<Response<DriverCallResponse>, Status> {
        Ok(Response::new(DriverCallResponse {
            uuid: uuid(1),
            result: self.null.clone(),
        }))
    }

    type StreamingDriverCallStream = Items<StreamingDriverCallResponse>;

    async fn streaming_driver_call(
        &self,
        _: Request<StreamingDriverCallRequest>,
    ) -> Result<Response<Self::StreamingDriverCallStream>, Status> {
        let items = self.readings.clone().map(|result| {
            Ok(StreamingDriverCallResponse {
                uuid: uuid(1),
                result,
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(items))))
    }

    type LogStreamStream = Items<LogStreamResponse>;

    async fn log_stream(&self, _: Request<()>) -> Result<Response<Self::LogStreamStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::pending())))
    }

    async fn reset(&self, _: Request<ResetRequest>) -> Result<Response<ResetResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Ok(Response::new(GetStatusResponse {
            status: ExporterStatus::LeaseReady.into(),
            message: Some("Ready for commands".to_owned()),
            status_version: 1,
            ..Default::default()
        }))
    }

    async fn end_session(
        &self,
        _: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
