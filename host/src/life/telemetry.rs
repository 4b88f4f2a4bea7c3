//! Pushes log lines to the collector that the controller names, if it names one.

use std::sync::Arc;

use jumpstarter_proto::v1::TelemetryEndpoint;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::ExporterConfig;
use crate::telemetry::{self, Options};

/// Pushes until the process ends, and then the rest.
pub(super) async fn push(
    endpoint: oneshot::Receiver<Option<TelemetryEndpoint>>,
    config: Arc<ExporterConfig>,
    ending: CancellationToken,
) {
    let Some(Ok(Some(endpoint))) = ending.run_until_cancelled(endpoint).await else {
        return;
    };
    let options = Options {
        token: config.token.clone(),
        insecure: config.tls.insecure,
    };
    match telemetry::start(&endpoint, options) {
        Ok(telemetry) => {
            ending.cancelled().await;
            telemetry.close().await;
        }
        Err(error) => tracing::warn!("Log lines are not pushed to a collector: {error}"),
    }
}
