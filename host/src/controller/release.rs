//! Ends a lease from the exporter's side.
//!
//! Older controllers know no release by exporters, or forbid it; they understand a status report
//! that asks for it. Which kind this one is, is found out once.

use jumpstarter_client::controller::{Controller, describe};
use jumpstarter_proto::v1::{ExporterStatus, ReleaseLeaseRequest};
use tonic::Status;
use tracing::{info, warn};

use super::ask::{ANSWER, ask, persist};
use super::link::Link;
use super::reporter::{self, send};
use super::retry;

/// What the report says that asks for a release.
const COMPATIBLE: &str = "Lease released (compat: ReportStatus with release_lease)";

/// Releases a lease, in one attempt.
pub(super) async fn attempt(controller: &Controller, lease: &str) -> Result<(), Status> {
    let question = ReleaseLeaseRequest {
        name: lease.to_owned(),
    };
    let answered = ask(
        controller,
        ANSWER,
        question,
        |mut service, request| async move { service.release_lease(request).await },
    );
    answered.await.map(drop)
}

// === impl Link ===

impl Link {
    /// Tells the controller that a lease is over, while `current` is what was last reported.
    ///
    /// Comes back when the controller knows, or cannot be told: whoever wants to give up earlier
    /// drops it. A controller that was away for too long is told when it is back. The exporter is not reported as available; that comes after it.
    pub async fn release(&self, lease: &str, current: ExporterStatus) {
        if lease.is_empty() {
            return;
        }
        if self.lacks_release() {
            return self.release_by_report(lease, current).await;
        }
        let attempt = || attempt(self.controller(), lease);
        match persist("release lease", attempt).await {
            Ok(()) => info!("Released lease {lease} via ReleaseLease RPC"),
            Err(status) if retry::lacks_release(status.code()) => {
                let why = describe(&status);
                info!("ReleaseLease not supported by controller, using ReportStatus: {why}");
                self.remember_lack_of_release();
                self.release_by_report(lease, current).await;
            }
            Err(status) => {
                warn!("Failed to release lease {lease}: {}", describe(&status));
                if retry::is_transient(status.code()) {
                    self.reporter().release_later(lease);
                }
            }
        }
    }

    /// The controller must not think the exporter available before it has released the lease: it
    /// would give it the next one, and then release that.
    async fn release_by_report(&self, lease: &str, current: ExporterStatus) {
        let status = match current {
            ExporterStatus::Available => ExporterStatus::AfterLeaseHook,
            other => other,
        };
        self.reporter().forget();
        let report = || send(self.controller(), status, COMPATIBLE, true);
        match persist(reporter::WHAT, report).await {
            Ok(()) => info!("Released lease {lease} via ReportStatus RPC"),
            Err(status) => warn!("Failed to release lease {lease}: {}", describe(&status)),
        }
    }
}
