//! The telemetry service, as the exporter sees it.

use std::error::Error;
use std::time::Duration;

use jumpstarter_client::Secret;
use jumpstarter_client::connect::{ChannelOptions, Roots, Tls, Uplink, UplinkError, target};
use jumpstarter_client::controller::describe;
use jumpstarter_proto::v1::telemetry_service_client::TelemetryServiceClient;
use jumpstarter_proto::v1::{LogEntry, PushLogsRequest, TelemetryEndpoint};
use tokio::time::timeout;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::StartError;

/// How long a push may take, with the connection if there is none.
const DEADLINE: Duration = Duration::from_secs(10);

/// A service that takes entries. It is connected to when the first are pushed, and again whenever
/// the connection is gone.
pub(super) struct Collector {
    client: TelemetryServiceClient<Channel>,
    authorization: Option<MetadataValue<Ascii>>,
}

// === impl Collector ===

impl Collector {
    pub(super) fn new(
        endpoint: &TelemetryEndpoint,
        token: Option<Secret<String>>,
        insecure: bool,
    ) -> Result<Self, StartError> {
        let host = target(&endpoint.endpoint)?;
        let token = token.filter(|token| !token.expose().is_empty());
        let authorization = token.as_ref().map(bearer).transpose()?;
        let uplink = Uplink::new(&tls(endpoint, insecure), &ChannelOptions::default())?;
        Ok(Self {
            client: TelemetryServiceClient::new(uplink.channel(&host)),
            authorization,
        })
    }

    /// Hands over entries; if that fails, says why in one sentence.
    pub(super) async fn push(&mut self, entries: Vec<LogEntry>) -> Result<(), String> {
        let mut request = Request::new(PushLogsRequest { entries });
        request.set_timeout(DEADLINE);
        if let Some(authorization) = &self.authorization {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", authorization.clone());
        }
        match timeout(DEADLINE, self.client.push_logs(request)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(status)) => Err(reason(&status)),
            Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
        }
    }
}

/// What went wrong on the way, or what the service itself says.
fn reason(status: &Status) -> String {
    let Some(mut cause) = status.source() else {
        return describe(status);
    };
    // What an uplink says is a whole sentence; what it was caused by is only a part of it.
    while let Some(deeper) = cause.source().filter(|_| !cause.is::<UplinkError>()) {
        cause = deeper;
    }
    cause.to_string()
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
