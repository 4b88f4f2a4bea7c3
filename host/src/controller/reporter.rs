//! Tells the controller where the exporter stands, later if need be.
//!
//! There is one slot, and the newest status is in it: while the controller is away, what was true in
//! between does not matter to anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jumpstarter_client::controller::{Controller, describe};
use jumpstarter_proto::v1::{ExporterStatus, ReportStatusRequest};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tonic::{Code, Status};
use tracing::{error, info, warn};

use super::ask::{ANSWER, ask, complain};
use super::lost::Lost;
use super::release;
use super::retry::{self, Tries};

/// What it does, in warnings.
pub(super) const WHAT: &str = "report status";

/// The slot, and the task that empties it. The task ends when this is dropped.
#[derive(Debug)]
pub(super) struct Reporter {
    slot: watch::Sender<Option<Notice>>,
    deaf: Arc<AtomicBool>,
    /// The first status has been delivered, or will not be.
    begun: watch::Receiver<bool>,
    lost: Arc<Lost>,
    task: AbortHandle,
}

/// Where the exporter stands.
#[derive(Clone, Debug)]
struct Notice {
    status: ExporterStatus,
    message: String,
}

/// The task.
struct Delivery {
    controller: Controller,
    slot: watch::Receiver<Option<Notice>>,
    /// The controller does not know the call.
    deaf: Arc<AtomicBool>,
    begun: watch::Sender<bool>,
    /// To be said before anything else when the controller is back.
    lost: Arc<Lost>,
}

// === impl Reporter ===

impl Reporter {
    pub(super) fn start(controller: &Controller) -> Self {
        let (slot, waiting) = watch::channel(None);
        let deaf = Arc::new(AtomicBool::new(false));
        let (begin, begun) = watch::channel(false);
        let lost = Arc::default();
        let delivery = Delivery {
            controller: controller.clone(),
            slot: waiting,
            deaf: Arc::clone(&deaf),
            begun: begin,
            lost: Arc::clone(&lost),
        };
        let task = tokio::spawn(delivery.run()).abort_handle();
        Self {
            slot,
            deaf,
            begun,
            lost,
            task,
        }
    }

    /// Puts a status into the slot, in place of one that has not been delivered.
    pub(super) fn report(&self, status: ExporterStatus, message: String) {
        self.slot.send_replace(Some(Notice { status, message }));
    }

    /// Resolves when the first status has been delivered, or when that was given up.
    pub(super) async fn begun(&self) {
        // Fails only once the task is gone, and nothing is delivered any more.
        self.begun.clone().wait_for(|begun| *begun).await.ok();
    }

    /// Delivers the last status once more: the controller that came back may be another one, which
    /// does not know it, and may know the call.
    pub(super) fn repeat(&self) {
        self.hear();
        self.lost.remind();
        self.slot.send_modify(|_| ());
    }

    /// Takes out what has not been delivered, because something newer is said in another way.
    pub(super) fn forget(&self) {
        self.slot.send_replace(None);
    }

    /// The controller may know the call after all.
    pub(super) fn hear(&self) {
        self.deaf.store(false, Ordering::Relaxed);
    }

    /// Keeps the release of a lease for when the controller is back.
    pub(super) fn release_later(&self, lease: &str) {
        self.lost.keep(lease);
    }

    /// Whether the controller takes no reports.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Relaxed)
    }

    /// Delivers nothing any more.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Delivery ===

impl Delivery {
    async fn run(mut self) {
        while self.slot.changed().await.is_ok() {
            self.deliver().await;
            self.begun.send_replace(true);
        }
    }

    /// An exporter that is available before it has released its lease would not get another one.
    async fn release_lost(&self) {
        let Some(lease) = self.lost.take_due() else {
            return;
        };
        match release::attempt(&self.controller, &lease).await {
            Ok(()) => info!("Released lease {lease} via ReleaseLease RPC, late"),
            Err(status) => {
                warn!(
                    "Failed to release lease {lease} late: {}",
                    describe(&status)
                );
                if retry::is_transient(status.code()) {
                    self.lost.keep(&lease);
                }
            }
        }
    }

    /// Delivers what is in the slot, and what comes into it meanwhile.
    async fn deliver(&mut self) {
        let mut tries = Tries::default();
        loop {
            self.release_lost().await;
            let notice = self.slot.borrow_and_update().clone();
            let Some(Notice { status, message }) = notice else {
                return;
            };
            if self.deaf.load(Ordering::Relaxed) {
                return;
            }
            let Err(failure) = send(&self.controller, status, &message, false).await else {
                info!("Updated status to {}: {message}", name(status));
                return;
            };
            if failure.code() == Code::Unimplemented {
                self.deaf.store(true, Ordering::Relaxed);
                warn!("ReportStatus not supported by controller, status updates will be skipped");
                return;
            }
            let Some(pause) = tries.after(failure.code()) else {
                error!("Failed to report status: {}", describe(&failure));
                return;
            };
            complain(WHAT, &tries, pause, &failure);
            tokio::select! {
                biased;
                // Something newer: it has not been tried yet.
                changed = self.slot.changed() => match changed {
                    Ok(()) => tries = Tries::default(),
                    Err(_) => return,
                },
                () = sleep(pause) => {}
            }
        }
    }
}

/// Reports once.
pub(super) async fn send(
    controller: &Controller,
    status: ExporterStatus,
    message: &str,
    release: bool,
) -> Result<(), Status> {
    let report = ReportStatusRequest {
        status: status.into(),
        message: Some(message.to_owned()),
        release_lease: release.then_some(true),
    };
    let answered = ask(
        controller,
        ANSWER,
        report,
        |mut service, request| async move { service.report_status(request).await },
    );
    answered.await.map(drop)
}

/// `LEASE_READY` for `EXPORTER_STATUS_LEASE_READY`.
fn name(status: ExporterStatus) -> &'static str {
    let name = status.as_str_name();
    name.strip_prefix("EXPORTER_STATUS_").unwrap_or(name)
}
