//! A client and an exporter with a lease, and the streams between them.

use jumpstarter_client::Secret;
use jumpstarter_client::controller::Controller;
use jumpstarter_client::stream::{Reader, Writer};
use jumpstarter_proto::v1::{
    DialRequest, ExporterStatus, ListenRequest, ListenResponse, ReportStatusRequest, StatusRequest,
    StatusResponse,
};
use tonic::Streaming;

use crate::lab::Lab;

/// The name of the lease.
pub(crate) const LEASE: &str = "mine";

/// Both, and what connects them to the controller.
pub(crate) struct Meeting {
    pub(crate) client: Controller,
    pub(crate) exporter: Controller,
    _statuses: Streaming<StatusResponse>,
    invitations: Streaming<ListenResponse>,
}

/// The right to both sides of a stream.
pub(crate) struct Tokens {
    pub(crate) endpoint: String,
    pub(crate) client: Secret<String>,
    pub(crate) exporter: Secret<String>,
}

/// One end of a stream.
pub(crate) type End = (Reader, Writer);

// === impl Meeting ===

impl Meeting {
    /// Makes all there is to make, in a lab that has just been started.
    pub(crate) async fn new(lab: &Lab) -> Self {
        let (client, exporter) = (lab.client("alice"), lab.exporter("board"));
        let (statuses, invitations) = arrive(&exporter, Some(lab)).await;
        Self {
            client,
            exporter,
            _statuses: statuses,
            invitations,
        }
    }

    /// The same, after the controller was away.
    pub(crate) async fn again(self) -> Self {
        let Self {
            client, exporter, ..
        } = self;
        client.renew();
        exporter.renew();
        let (statuses, invitations) = arrive(&exporter, None).await;
        Self {
            client,
            exporter,
            _statuses: statuses,
            invitations,
        }
    }

    /// The client dials, the exporter hears of it.
    pub(crate) async fn dial(&mut self) -> Tokens {
        let dial = DialRequest {
            lease_name: LEASE.to_owned(),
        };
        let dialled = self.client.service().dial(dial).await.unwrap();
        let dialled = dialled.into_inner();
        let invited = self.invitations.message().await.unwrap().unwrap();
        assert_eq!(invited.router_endpoint, dialled.router_endpoint);
        assert_ne!(invited.router_token, dialled.router_token);
        Tokens {
            endpoint: dialled.router_endpoint,
            client: Secret::new(dialled.router_token),
            exporter: Secret::new(invited.router_token),
        }
    }

    /// A stream, from the client's end to the exporter's.
    pub(crate) async fn stream(&mut self) -> (End, End) {
        let tokens = self.dial().await;
        let endpoint = tokens.endpoint.clone();
        self.stream_by(&tokens, [&endpoint, &endpoint]).await
    }

    /// The same with the client and the exporter each on a way of its own.
    pub(crate) async fn stream_by(&self, tokens: &Tokens, ways: [&str; 2]) -> (End, End) {
        let near = self.client.router(ways[0], &tokens.client).await.unwrap();
        let far = self.exporter.router(ways[1], &tokens.exporter).await;
        (near.split(), far.unwrap().split())
    }

    /// What the exporter says of itself.
    pub(crate) async fn say(&self, status: ExporterStatus) {
        say(&self.exporter, status).await;
    }
}

async fn say(exporter: &Controller, status: ExporterStatus) {
    let report = ReportStatusRequest {
        status: status.into(),
        ..ReportStatusRequest::default()
    };
    exporter.service().report_status(report).await.unwrap();
}

/// The exporter comes, gets its lease if somebody makes it, and listens.
async fn arrive(
    exporter: &Controller,
    lab: Option<&Lab>,
) -> (Streaming<StatusResponse>, Streaming<ListenResponse>) {
    let mut service = exporter.service();
    service.register(crate::lab::device()).await.unwrap();
    let statuses = service.status(StatusRequest {}).await.unwrap();
    let mut statuses = statuses.into_inner();
    if let Some(lab) = lab {
        say(exporter, ExporterStatus::Available).await;
        let words = ["lease", "create", "alice", "-l", "name=board", "-d", "1h"];
        lab.works(&[&words[..], &["--name", LEASE]].concat());
    }
    while !statuses.message().await.unwrap().unwrap().leased {}
    let listen = ListenRequest {
        lease_name: LEASE.to_owned(),
    };
    let invitations = service.listen(listen).await.unwrap().into_inner();
    say(exporter, ExporterStatus::LeaseReady).await;
    (statuses, invitations)
}

/// What a reader that must come to an error is told.
pub(crate) async fn complaint(reader: &mut Reader) -> String {
    loop {
        match reader.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error.to_string(),
            None => return "a clean end".to_owned(),
        }
    }
}
