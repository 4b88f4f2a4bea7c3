//! A client without manners: says anything to an exporter, right or wrong.

use std::time::Duration;

use bytes::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jumpstarter_proto::v1::{
    DriverCallRequest, GetReportResponse, StreamingDriverCallRequest,
    exporter_service_client::ExporterServiceClient,
};
use serde::Serialize;
use tonic::{
    Request, Status,
    transport::{Channel, Endpoint, Uri},
};

use crate::{Exporter, PATIENCE};

/// A connection, and the names of the drivers behind it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The generated client.
    pub client: ExporterServiceClient<Channel>,
    /// What the exporter says it has.
    pub report: GetReportResponse,
    origin: Uri,
}

/// Connects to an exporter's plaintext port.
pub async fn dial(exporter: &Exporter<'_>) -> Channel {
    Endpoint::from(origin(exporter))
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE)
        .connect()
        .await
        .expect("the exporter listens")
}

fn origin(exporter: &Exporter<'_>) -> Uri {
    let origin = format!("http://{}", exporter.address());
    origin.parse().expect("an address")
}

/// Encoded arguments, one of each value.
pub fn values<T: Serialize>(args: impl IntoIterator<Item = T>) -> Vec<Bytes> {
    let encode = |arg| Bytes::from(jumpstarter_value::to_vec(&arg).expect("a value"));
    args.into_iter().map(encode).collect()
}

/// The encoded null.
pub fn null() -> Bytes {
    Bytes::from_static(jumpstarter_value::NULL)
}

// === impl Peer ===

impl Peer {
    /// Connects and asks what is there.
    pub async fn of(exporter: &Exporter<'_>) -> Self {
        let mut client = ExporterServiceClient::new(dial(exporter).await);
        let report = client.get_report(()).await.expect("a report").into_inner();
        let origin = origin(exporter);
        Self {
            client,
            report,
            origin,
        }
    }

    /// The uuid of the driver with this name; of the last one, where several have it.
    pub fn uuid(&self, name: &str) -> String {
        let mut reports = self.report.reports.iter().rev();
        let found = reports.find(|r| {
            r.labels
                .get("jumpstarter.dev/name")
                .is_some_and(|n| n == name)
        });
        found
            .unwrap_or_else(|| panic!("no driver `{name}` in {:#?}", self.report))
            .uuid
            .clone()
    }

    /// Calls a method of the driver with this name.
    pub async fn call(
        &mut self,
        name: &str,
        method: &str,
        args: Vec<Bytes>,
    ) -> Result<Bytes, Status> {
        let uuid = self.uuid(name);
        self.call_uuid(&uuid, method, args).await
    }

    /// Calls a method of whatever `uuid` is.
    pub async fn call_uuid(
        &mut self,
        uuid: &str,
        method: &str,
        args: Vec<Bytes>,
    ) -> Result<Bytes, Status> {
        let request = DriverCallRequest {
            uuid: uuid.to_owned(),
            method: method.to_owned(),
            args,
        };
        let response = self.client.driver_call(request).await?;
        Ok(response.into_inner().result)
    }

    /// Calls a method with no arguments, telling the exporter a deadline that this side does not
    /// keep: whatever comes back, the exporter said it.
    pub async fn call_within(
        &self,
        limit: Duration,
        name: &str,
        method: &str,
    ) -> Result<Bytes, Status> {
        let http = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let mut client = ExporterServiceClient::with_origin(http, self.origin.clone());
        let mut request = Request::new(DriverCallRequest {
            uuid: self.uuid(name),
            method: method.to_owned(),
            args: Vec::new(),
        });
        request.set_timeout(limit);
        let response = client.driver_call(request).await?;
        Ok(response.into_inner().result)
    }

    /// Calls a streaming method and reads it to its end: the items, and how it ended.
    pub async fn stream(
        &mut self,
        name: &str,
        method: &str,
        args: Vec<Bytes>,
    ) -> (Vec<Bytes>, Result<(), Status>) {
        let request = StreamingDriverCallRequest {
            uuid: self.uuid(name),
            method: method.to_owned(),
            args,
        };
        let mut items = Vec::new();
        let mut stream = match self.client.streaming_driver_call(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (items, Err(status)),
        };
        loop {
            match stream.message().await {
                Ok(Some(item)) => items.push(item.result),
                Ok(None) => return (items, Ok(())),
                Err(status) => return (items, Err(status)),
            }
        }
    }
}
