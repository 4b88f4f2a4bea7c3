//! Who talks to the controller: people with leases, and exporters that are nothing but their connection.

use std::time::Duration;

use jumpstarter_client::{ByteStream, Secret, controller::Controller};
use jumpstarter_proto::{
    client_v1::{CreateLeaseRequest, DeleteLeaseRequest, GetLeaseRequest, Lease},
    v1::{
        DialRequest, DriverInstanceReport, ExporterStatus, ListenRequest, ListenResponse,
        RegisterRequest, ReportStatusRequest, StatusRequest, StatusResponse,
    },
};
use tonic::{Status, Streaming};

use super::NAMESPACE;

/// Longer than anything here takes.
const LEASE: i64 = 3600;

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    name: String,
    controller: Controller,
}

/// The lightest exporter there can be: the calls of a real one, and no drivers.
#[derive(Clone, Debug)]
pub(crate) struct Dummy {
    name: String,
    controller: Controller,
}

// === impl Person ===

impl Person {
    pub(super) fn new(name: &str, controller: Controller) -> Self {
        let name = name.to_owned();
        Self { name, controller }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a lease, and answers with what the controller made of it at once.
    pub(crate) async fn ask(&self, name: &str, selector: &str) -> Lease {
        let duration = prost_types::Duration {
            seconds: LEASE,
            nanos: 0,
        };
        let request = CreateLeaseRequest {
            parent: format!("namespaces/{NAMESPACE}"),
            lease_id: name.to_owned(),
            lease: Some(Lease {
                selector: selector.to_owned(),
                duration: Some(duration),
                ..Lease::default()
            }),
        };
        let made = self.controller.clients().create_lease(request).await;
        made.unwrap().into_inner()
    }

    /// Asks for a lease and waits until it is ready.
    pub(crate) async fn lease(&self, name: &str, selector: &str) -> Lease {
        let mut lease = self.ask(name, selector).await;
        while !is_ready(&lease) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let request = GetLeaseRequest { name: full(name) };
            let seen = self.controller.clients().get_lease(request).await;
            lease = seen.unwrap().into_inner();
        }
        lease
    }

    /// Gives a lease back.
    pub(crate) async fn release(&self, name: &str) {
        let request = DeleteLeaseRequest { name: full(name) };
        self.controller
            .clients()
            .delete_lease(request)
            .await
            .unwrap();
    }

    /// Where to meet the exporter of a lease, and the right to it.
    pub(crate) async fn dial(&self, lease: &str) -> Result<(String, Secret<String>), Status> {
        let lease_name = lease.to_owned();
        let dialled = self
            .controller
            .service()
            .dial(DialRequest { lease_name })
            .await?;
        let dialled = dialled.into_inner();
        Ok((dialled.router_endpoint, Secret::new(dialled.router_token)))
    }

    /// A stream to the exporter of a lease, over a connection of its own.
    pub(crate) async fn reach(&self, lease: &str) -> Result<ByteStream, Status> {
        let (endpoint, token) = self.dial(lease).await?;
        self.controller.router(&endpoint, &token).await
    }

    /// Whether a lease is over.
    pub(crate) async fn is_over(&self, name: &str) -> bool {
        let request = GetLeaseRequest { name: full(name) };
        let lease = self.controller.clients().get_lease(request).await.unwrap();
        lease.into_inner().effective_end_time.is_some()
    }

    /// Forgets a connection that is gone.
    pub(crate) fn renew(&self) {
        self.controller.renew();
    }
}

fn full(lease: &str) -> String {
    format!("namespaces/{NAMESPACE}/leases/{lease}")
}

/// Whether a lease has its exporter.
pub(crate) fn is_ready(lease: &Lease) -> bool {
    let mut conditions = lease.conditions.iter();
    conditions.any(|condition| {
        condition.r#type.as_deref() == Some("Ready") && condition.status.as_deref() == Some("True")
    })
}

// === impl Dummy ===

impl Dummy {
    pub(super) fn new(name: &str, controller: Controller) -> Self {
        let name = name.to_owned();
        Self { name, controller }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Registers and watches, as an exporter does when it starts.
    pub(crate) async fn arrive(&self) -> Result<Streaming<StatusResponse>, Status> {
        let mut service = self.controller.service();
        let driver = DriverInstanceReport {
            uuid: "6f1c2a3e-0000-4000-8000-000000000001".to_owned(),
            ..DriverInstanceReport::default()
        };
        let request = RegisterRequest {
            reports: vec![driver],
            ..RegisterRequest::default()
        };
        service.register(request).await?;
        let statuses = service.status(StatusRequest {}).await?.into_inner();
        self.say(ExporterStatus::Available).await?;
        Ok(statuses)
    }

    /// Reports a status.
    pub(crate) async fn say(&self, status: ExporterStatus) -> Result<(), Status> {
        let request = ReportStatusRequest {
            status: status.into(),
            ..ReportStatusRequest::default()
        };
        self.controller.service().report_status(request).await?;
        Ok(())
    }

    /// Waits for people who dial.
    pub(crate) async fn listen(&self, lease: &str) -> Streaming<ListenResponse> {
        let lease_name = lease.to_owned();
        let mut service = self.controller.service();
        let listening = service.listen(ListenRequest { lease_name }).await;
        listening.unwrap().into_inner()
    }

    /// Goes to meet somebody, over a connection of its own.
    pub(crate) async fn meet(&self, invited: ListenResponse) -> Result<ByteStream, Status> {
        let token = Secret::new(invited.router_token);
        self.controller
            .router(&invited.router_endpoint, &token)
            .await
    }

    /// Forgets a connection that is gone.
    pub(crate) fn renew(&self) {
        self.controller.renew();
    }
}
