//! The telemetry service, as the exporter sees it.

use std::time::Duration;

use jumpstarter_client::connect::{self, ConnectError, Connection, Roots, Tls, connect};
use jumpstarter_client::{Host, Secret};
use jumpstarter_proto::v1::telemetry_service_client::TelemetryServiceClient;
use jumpstarter_proto::v1::{LogEntry, PushLogsRequest, TelemetryEndpoint};
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};

use super::StartError;

/// How long a push may take, with the connection if there is none.
const DEADLINE: Duration = Duration::from_secs(10);

/// A service that takes entries. It is connected to when the first are pushed.
pub(super) struct Collector {
    host: Host,
    options: connect::Options,
    authorization: Option<MetadataValue<Ascii>>,
    connection: Option<Connection>,
}

/// Why entries did not arrive.
#[derive(Debug, Error)]
pub(super) enum PushError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] Status),
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Late,
}

// === impl Collector ===

impl Collector {
    pub(super) fn new(
        endpoint: &TelemetryEndpoint,
        token: Option<Secret<String>>,
        insecure: bool,
    ) -> Result<Self, StartError> {
        let host = Host::parse(&endpoint.endpoint);
        if !host.is_tcp() {
            return Err(StartError::Endpoint {
                endpoint: endpoint.endpoint.clone(),
            });
        }
        let token = token.filter(|token| !token.expose().is_empty());
        let options = connect::Options {
            tls: tls(endpoint, insecure),
            passphrase: None,
        };
        Ok(Self {
            host,
            options,
            authorization: token.as_ref().map(bearer).transpose()?,
            connection: None,
        })
    }

    pub(super) async fn push(&mut self, entries: Vec<LogEntry>) -> Result<(), PushError> {
        let pushed = tokio::time::timeout(DEADLINE, self.try_push(entries)).await;
        let pushed = pushed.unwrap_or(Err(PushError::Late));
        // Connecting anew says best why it does not work.
        let broken = match &pushed {
            Ok(()) => false,
            Err(PushError::Refused(status)) => {
                matches!(status.code(), Code::Unavailable | Code::Unknown)
            }
            Err(PushError::Connect(_) | PushError::Late) => true,
        };
        if broken {
            self.connection = None;
        }
        pushed
    }

    async fn try_push(&mut self, entries: Vec<LogEntry>) -> Result<(), PushError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.host, &self.options).await?,
        };
        let mut client = TelemetryServiceClient::new(connection.transport());
        self.connection = Some(connection);
        let mut request = Request::new(PushLogsRequest { entries });
        request.set_timeout(DEADLINE);
        if let Some(authorization) = &self.authorization {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", authorization.clone());
        }
        client.push_logs(request).await?;
        Ok(())
    }
}

/// A certificate that the controller names is one to trust; without one, insecure means plaintext.
pub(super) fn tls(endpoint: &TelemetryEndpoint, insecure: bool) -> Tls {
    if !endpoint.certificate.is_empty() {
        Tls::Verified(Roots::Pem(endpoint.certificate.clone().into_bytes()))
    } else if insecure {
        Tls::Off
    } else {
        Tls::Verified(Roots::System)
    }
}

fn bearer(token: &Secret<String>) -> Result<MetadataValue<Ascii>, StartError> {
    let value = format!("Bearer {}", token.expose());
    let mut value: MetadataValue<Ascii> = value.parse().map_err(|_| StartError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}
