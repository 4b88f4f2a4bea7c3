//! What an exporter is doing, watched.
//!
//! Exporters tell their status only when asked. A [`Monitor`] asks: quickly while somebody waits for
//! a status, rarely while a lease is simply in use. Exporters too old to answer count as ready.

mod poll;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use jumpstarter_proto::v1::{ExporterStatus, GetStatusResponse};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tonic::Status;

use crate::connect::{Transport, status_of};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known about an exporter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its status; none before the first answer.
    pub status: Option<ExporterStatus>,
    /// What it says about it.
    pub message: String,
    /// Counts its changes of status.
    pub version: u64,
    /// Changes that went by between two questions.
    pub missed: u64,
    /// It is too old to have a status.
    pub unsupported: bool,
    /// It has not answered the last question.
    pub away: bool,
    /// It has not answered for a long time.
    pub lost: bool,
    /// Questions asked so far.
    asked: u64,
}

/// How waiting for a status ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The exporter has this status now.
    Reached(ExporterStatus),
    /// It has not come to that in time.
    TimedOut,
    /// It does not answer any more.
    Lost,
    /// It is too old to have a status.
    Unsupported,
}

/// Asks an exporter for its status until dropped.
#[derive(Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// Tells when an exporter that was in use is not any more: it has another status, or does not answer.
#[derive(Debug)]
pub struct Troubles {
    snapshots: watch::Receiver<Snapshot>,
    known: bool,
}

/// Between the asking task and those who wait.
#[derive(Debug)]
struct Shared {
    snapshot: watch::Sender<Snapshot>,
    waiters: watch::Sender<usize>,
}

/// Asks once; none when the exporter is too old to have a status.
///
/// # Errors
///
/// When it does not answer, or with another error.
pub async fn get_status(
    client: &ExporterServiceClient<Transport>,
) -> Result<Option<GetStatusResponse>, Status> {
    match ask(client.clone()).await {
        Ok(response) => Ok(Some(response)),
        Err(status) if status.code() == tonic::Code::Unimplemented => Ok(None),
        Err(status) => Err(status),
    }
}

/// The name of a status without its prefix: `LEASE_READY`.
pub fn status_name(status: ExporterStatus) -> &'static str {
    let name = status.as_str_name();
    name.strip_prefix("EXPORTER_STATUS_").unwrap_or(name)
}

async fn ask(mut client: ExporterServiceClient<Transport>) -> Result<GetStatusResponse, Status> {
    let request = jumpstarter_proto::v1::GetStatusRequest {};
    match tokio::time::timeout(PATIENCE, client.get_status(request)).await {
        Ok(answer) => answer.map(tonic::Response::into_inner).map_err(status_of),
        Err(_) => Err(Status::deadline_exceeded("GetStatus was not answered")),
    }
}

// === impl Monitor ===

impl Monitor {
    /// Begins to ask.
    pub fn start(client: ExporterServiceClient<Transport>) -> Self {
        Self::start_with(move || ask(client.clone()))
    }

    fn start_with<A, F>(ask: A) -> Self
    where
        A: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<GetStatusResponse, Status>> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            snapshot: watch::Sender::default(),
            waiters: watch::Sender::default(),
        });
        let task = tokio::spawn(poll::run(Arc::clone(&shared), ask)).abort_handle();
        Self { shared, task }
    }

    /// What is known now.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot.borrow().clone()
    }

    /// Begins to look out for trouble.
    pub fn troubles(&self) -> Troubles {
        Troubles {
            snapshots: self.shared.snapshot.subscribe(),
            known: false,
        }
    }

    /// Waits until the exporter has not answered for so long that the connection counts as lost.
    pub async fn lost(&self) {
        let mut snapshots = self.shared.snapshot.subscribe();
        if snapshots.wait_for(|now| now.lost).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until the exporter has one of these statuses, but not longer than `limit`.
    pub async fn wait_for(&self, statuses: &[ExporterStatus], limit: Duration) -> Waited {
        let _waiting = Waiting::announce(&self.shared);
        let mut snapshots = self.shared.snapshot.subscribe();
        // A connection that was given up gets one more chance.
        let (was_lost, asked) = {
            let now = snapshots.borrow();
            (now.lost, now.asked)
        };
        let decided = snapshots.wait_for(|now| {
            let still_unverified = was_lost && now.asked == asked;
            !still_unverified && verdict(now, statuses).is_some()
        });
        match tokio::time::timeout(limit, decided).await {
            Ok(Ok(now)) => verdict(&now, statuses).unwrap_or(Waited::TimedOut),
            // The sender lives in `self`, so the channel cannot be closed.
            Ok(Err(_)) => Waited::Lost,
            Err(_) => Waited::TimedOut,
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Troubles ===

impl Troubles {
    /// Waits for the next trouble; the same one is told once.
    ///
    /// Dropping the future loses nothing, so it may stand in `select!`.
    pub async fn next(&mut self) {
        loop {
            let now = is_trouble(&self.snapshots.borrow_and_update());
            if now && !std::mem::replace(&mut self.known, now) {
                return;
            }
            self.known = now;
            if self.snapshots.changed().await.is_err() {
                // Nobody asks any more.
                return std::future::pending().await;
            }
        }
    }
}

fn is_trouble(now: &Snapshot) -> bool {
    now.away
        || now
            .status
            .is_some_and(|status| status != ExporterStatus::LeaseReady)
}

fn verdict(now: &Snapshot, wanted: &[ExporterStatus]) -> Option<Waited> {
    if now.unsupported && !wanted.contains(&ExporterStatus::LeaseReady) {
        return Some(Waited::Unsupported);
    }
    if now.lost {
        return Some(Waited::Lost);
    }
    now.status
        .filter(|status| wanted.contains(status))
        .map(Waited::Reached)
}

// === impl Waiting ===

/// Makes the monitor ask quickly for as long as it lives.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn announce(shared: &'a Shared) -> Self {
        shared.waiters.send_modify(|count| *count += 1);
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiters.send_modify(|count| *count -= 1);
    }
}
