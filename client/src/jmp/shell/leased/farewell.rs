//! After the child: the exporter is told that the work is done, and runs its afterLease hook.

use std::time::Duration;

use jumpstarter_proto::v1::{EndSessionRequest, EndSessionResponse, ExporterStatus};
use tokio::time::{interval, timeout};
use tonic::{Code, Status};
use tracing::{debug, info, warn};

use super::super::session::{Attached, HOOK_WITHIN, SETTLED, message_or, show_warning};
use super::moments;
use crate::Session;
use crate::connect::status_of;
use crate::controller::describe;
use crate::lease::{Held, Watch};
use crate::status::{Monitor, Waited, get_status};
use crate::ui::{Failure, Signals};

/// How long the exporter may take to agree that the session ends.
const AGREED_WITHIN: Duration = Duration::from_secs(5);
/// How often to see whether the exporter has given the lease back by itself.
const LOOK: Duration = Duration::from_secs(1);
/// How long its last status may take to be heard of after that.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How far it came.
enum Step {
    /// There is nothing to end any more, or nobody waits for it.
    Needless,
    /// The exporter does not answer.
    Lost,
    /// The hook is over; the exporter's words.
    Done(String),
    /// The hook failed; why.
    Failed(String),
    /// The hook takes too long.
    Slow,
}

/// Ends the session, unless the lease ends first.
pub(super) async fn say(
    attached: &mut Attached,
    held: &Held,
    watch: &mut Watch,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let Attached {
        session,
        log,
        monitor,
        ..
    } = attached;
    let said = log.during(async {
        tokio::select! {
            step = steps(session, monitor, held) => step,
            news = moments::end(watch, held.name()) => {
                debug!("the lease is over: {news:?}");
                Step::Needless
            }
        }
    });
    let step = signals.or(async { Ok(said.await) }).await?;
    log.settle(SETTLED).await;
    match step {
        Step::Needless => {}
        Step::Lost => info!("Connection to exporter lost, skipping afterLease hook"),
        Step::Done(message) => {
            show_warning(&message)?;
            info!("afterLease hook completed");
        }
        Step::Failed(why) => return Err(Failure::Error(why)),
        Step::Slow => warn!("Timeout waiting for afterLease hook to complete"),
    }
    Ok(())
}

async fn steps(session: &Session, monitor: &Monitor, held: &Held) -> Step {
    let probed = tokio::select! {
        biased;
        () = monitor.lost() => Some(Step::Lost),
        step = probe(session, held) => step,
    };
    if let Some(step) = probed {
        return step;
    }
    info!("Running afterLease hook (Ctrl+C to skip)...");
    match agreed(end_session(session).await) {
        true => hook(monitor, held).await,
        false => Step::Needless,
    }
}

/// Whether there is a session to end; nothing if there is.
async fn probe(session: &Session, held: &Held) -> Option<Step> {
    use ExporterStatus::{AfterLeaseHook, LeaseReady};
    // Somebody else's session is not ours to end. A controller that does not answer may be back soon.
    if let Ok(lease) = held.look().await
        && (lease.ended.is_some() || lease.client != held.lease().client)
    {
        return Some(Step::Needless);
    }
    match get_status(&session.client()).await {
        Ok(Some(answer)) if matches!(answer.status(), LeaseReady | AfterLeaseHook) => None,
        Ok(None) => Some(Step::Needless),
        Ok(Some(_)) | Err(_) => Some(Step::Lost),
    }
}

async fn end_session(session: &Session) -> Result<EndSessionResponse, Status> {
    let mut client = session.client();
    match timeout(AGREED_WITHIN, client.end_session(EndSessionRequest {})).await {
        Ok(answer) => answer.map(tonic::Response::into_inner).map_err(status_of),
        Err(_) => Err(Status::deadline_exceeded("EndSession was not answered")),
    }
}

/// Whether the session ends now. An exporter may be gone before its answer is here.
fn agreed(answer: Result<EndSessionResponse, Status>) -> bool {
    match answer {
        Ok(answer) => answer.success,
        Err(status) => match status.code() {
            Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => true,
            Code::Unknown if status.message().contains("Stream removed") => true,
            Code::Unimplemented => false,
            _ => {
                warn!("Error during afterLease hook: {}", describe(&status));
                false
            }
        },
    }
}

/// Waits for the end of the hook, or of the lease: an exporter gives it back when the hook is over, and
/// may be gone before its last status was heard of.
async fn hook(monitor: &Monitor, held: &Held) -> Step {
    use ExporterStatus::{AfterLeaseHook, AfterLeaseHookFailed, Available, Offline};
    let waited = monitor.wait_for(&[Available, AfterLeaseHookFailed, Offline], HOOK_WITHIN);
    tokio::pin!(waited);
    let waited = tokio::select! {
        waited = &mut waited => waited,
        () = given_back(held) => match timeout(LAST_WORDS, waited).await {
            Ok(waited) => waited,
            Err(_) => return Step::Needless,
        },
    };
    match waited {
        Waited::Reached(Available) => Step::Done(monitor.snapshot().message),
        // It serves one lease and ends; what came of the hook is not known any more.
        Waited::Reached(Offline) => Step::Needless,
        Waited::Reached(_) => Step::Failed(message_or(monitor, "afterLease hook failed")),
        Waited::Lost => match monitor.snapshot().status {
            Some(AfterLeaseHook | AfterLeaseHookFailed) => Step::Failed(message_or(
                monitor,
                "afterLease hook failed (connection lost)",
            )),
            _ => Step::Lost,
        },
        Waited::TimedOut => Step::Slow,
        Waited::Unsupported => Step::Needless,
    }
}

async fn given_back(held: &Held) {
    let mut turns = interval(LOOK);
    loop {
        turns.tick().await;
        if held.look().await.is_ok_and(|lease| lease.ended.is_some()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exporter_that_is_gone_has_agreed() {
        let said = |success| {
            Ok(EndSessionResponse {
                success,
                ..EndSessionResponse::default()
            })
        };
        assert!(agreed(said(true)));
        assert!(!agreed(said(false)));
        for gone in [
            Status::unavailable("x"),
            Status::cancelled("x"),
            Status::deadline_exceeded("x"),
            Status::unknown("Stream removed"),
        ] {
            assert!(agreed(Err(gone)));
        }
        assert!(!agreed(Err(Status::unimplemented("x"))));
        assert!(!agreed(Err(Status::unknown("x"))));
    }
}
