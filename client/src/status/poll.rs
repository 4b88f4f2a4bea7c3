//! The task that asks.

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::{ExporterStatus, GetStatusResponse};
use tokio::sync::watch::Receiver;
use tonic::{Code, Status};
use tracing::{debug, info, warn};

use super::{Shared, Snapshot, status_name};

/// Pauses between questions: while somebody waits, in the middle of a lease, otherwise.
const EAGER: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(5);
const USUAL: Duration = Duration::from_millis(300);

/// Unanswered questions in a row after which the connection counts as lost.
const UNANSWERED: u32 = 20;

/// Failures in a row.
#[derive(Default)]
struct Failures {
    unavailable: u32,
    unanswered: u32,
}

/// What to do after a question.
#[derive(PartialEq, Eq)]
enum Next {
    /// Ask again after the usual pause.
    Pause,
    /// Ask again at once.
    AtOnce,
    /// Ask again when somebody waits.
    Park,
    /// Never ask again.
    Stop,
}

pub(super) async fn run<A, F>(shared: Arc<Shared>, mut ask: A)
where
    A: FnMut() -> F,
    F: Future<Output = Result<GetStatusResponse, Status>>,
{
    let mut failures = Failures::default();
    let mut waiters = shared.waiters.subscribe();
    loop {
        let next = match ask().await {
            Ok(answer) => {
                failures = Failures::default();
                note(&shared, answer);
                Next::Pause
            }
            Err(status) => {
                shared
                    .snapshot
                    .send_if_modified(|now| !std::mem::replace(&mut now.away, true));
                failures.count(&status)
            }
        };
        match next {
            Next::AtOnce => {}
            Next::Stop => {
                shared.snapshot.send_modify(|now| {
                    now.asked += 1;
                    now.unsupported = true;
                    now.away = false;
                    now.status = Some(ExporterStatus::LeaseReady);
                });
                return;
            }
            Next::Park => {
                // From here on, whoever begins to wait has seen that the connection is lost.
                waiters.mark_unchanged();
                shared.snapshot.send_modify(|now| {
                    now.asked += 1;
                    now.lost = true;
                });
                if !somebody_new(&mut waiters).await {
                    return;
                }
            }
            Next::Pause => pause(&shared, &mut waiters).await,
        }
    }
}

/// Waits until somebody begins to wait; false when nobody ever will.
async fn somebody_new(waiters: &mut Receiver<usize>) -> bool {
    while waiters.changed().await.is_ok() {
        if *waiters.borrow_and_update() > 0 {
            return true;
        }
    }
    false
}

/// Waits for as long as the situation allows, or until somebody begins to wait.
async fn pause(shared: &Shared, waiters: &mut Receiver<usize>) {
    let eager = *waiters.borrow_and_update() > 0;
    let ready = shared.snapshot.borrow().status == Some(ExporterStatus::LeaseReady);
    let delay = match (eager, ready) {
        (true, _) => EAGER,
        (false, true) => IDLE,
        (false, false) => USUAL,
    };
    let begins = waiters.wait_for(|count| *count > 0);
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        _ = begins, if !eager => {}
    }
}

fn note(shared: &Shared, answer: GetStatusResponse) {
    let status = answer.status();
    let before = shared.snapshot.borrow().clone();
    let skipped = match before.version {
        0 => 0,
        version => answer.status_version.saturating_sub(version + 1),
    };
    if skipped > 0 {
        warn!("Missed {skipped} status transition(s)");
    }
    if before.status != Some(status) {
        info!(
            "Status changed: {} -> {} (version={})",
            before.status.map_or("None", status_name),
            status_name(status),
            answer.status_version
        );
    }
    shared.snapshot.send_replace(Snapshot {
        status: Some(status),
        message: answer.message.unwrap_or_default(),
        version: answer.status_version,
        missed: before.missed + skipped,
        unsupported: false,
        away: false,
        lost: false,
        asked: before.asked + 1,
    });
}

// === impl Failures ===

impl Failures {
    fn count(&mut self, status: &Status) -> Next {
        match status.code() {
            Code::Unimplemented => Next::Stop,
            Code::Unavailable => {
                self.unavailable += 1;
                match self.unavailable {
                    1 => warn!("GetStatus UNAVAILABLE, exporter may be offline. Retrying..."),
                    n if n.is_multiple_of(10) => {
                        warn!("GetStatus UNAVAILABLE {n} times consecutively, still retrying...");
                    }
                    _ => {}
                }
                Next::Pause
            }
            Code::DeadlineExceeded => {
                self.unavailable = 0;
                self.unanswered += 1;
                if self.unanswered >= UNANSWERED {
                    warn!(
                        "GetStatus was not answered {} times, giving up",
                        self.unanswered
                    );
                    return Next::Park;
                }
                if self.unanswered.is_multiple_of(5) {
                    warn!(
                        "GetStatus was not answered {} times, still asking",
                        self.unanswered
                    );
                }
                Next::AtOnce
            }
            code => {
                debug!("GetStatus failed with {code:?}: {}", status.message());
                Next::Pause
            }
        }
    }
}
