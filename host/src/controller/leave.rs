//! The last words to the controller.

use std::time::Duration;

use jumpstarter_client::controller::describe;
use jumpstarter_proto::v1::{ExporterStatus, UnregisterRequest};
use tokio::time::{Instant, timeout, timeout_at};
use tonic::Status;
use tracing::{info, warn};

use super::ask::{ask, persist};
use super::link::Link;
use super::reporter::{self, send};

/// Time for both words.
const BUDGET: Duration = Duration::from_secs(10);
/// Time for the first, so that something is left for the second.
const FIRST: Duration = Duration::from_secs(5);

// === impl Link ===

impl Link {
    /// Tells the controller that the exporter is going, and unregisters it; within ten seconds,
    /// whatever the controller does. Nothing is reported any more.
    ///
    /// Says nothing if the controller does not know the exporter.
    pub async fn leave(&self) {
        self.reporter().stop();
        if !self.suppose_registered(false) {
            return;
        }
        let end = Instant::now() + BUDGET;
        if !self.reporter().is_deaf() {
            let status = ExporterStatus::Offline;
            let report = || send(self.controller(), status, "Exporter shutting down", false);
            let told = timeout(FIRST, persist(reporter::WHAT, report)).await;
            warn_if_failed("Failed to report status OFFLINE", told);
        }
        let question = UnregisterRequest {
            reason: "Exporter shutdown".to_owned(),
        };
        let limit = end.saturating_duration_since(Instant::now());
        let call = ask(
            self.controller(),
            limit,
            question,
            |mut service, request| async move { service.unregister(request).await },
        );
        let told = timeout_at(end, call).await.map(|told| told.map(drop));
        if warn_if_failed("Failed to unregister exporter", told) {
            info!("Unregistered exporter from controller");
        }
    }
}

fn warn_if_failed<E>(what: &str, told: Result<Result<(), Status>, E>) -> bool {
    let why = match told {
        Ok(Ok(())) => return true,
        Ok(Err(status)) => describe(&status),
        Err(_) => "no answer in time".to_owned(),
    };
    warn!("{what}: {why}");
    false
}
