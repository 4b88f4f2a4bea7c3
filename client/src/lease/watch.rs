//! Watching for the end of a lease, which may come early, late, or be heard of from nobody.
//!
//! ```text
//! ask ─► end known ─► wait for it, but not longer than half a minute ─► ask …
//!    └─► no answer ─► as above; past the known end, that is the end
//! ```
//!
//! Somebody who sees that the exporter is gone can have it asked at once.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::{AskError, Lease, Leases};

/// How often to ask at least.
const SELDOM: Duration = Duration::from_secs(30);
/// How soon to ask again when the controller does not say when the lease ends.
const UNKNOWN: Duration = Duration::from_secs(1);
/// With how much left to say that it ends soon.
const SOON: Duration = Duration::from_secs(300);
/// Things that happened and that nobody has asked for yet.
const UNREAD: usize = 4;

/// Something that happens to a lease.
#[derive(Debug)]
#[non_exhaustive]
pub enum Moment {
    /// It ends in less than five minutes, and was longer. Told once, and again only if it was extended
    /// meanwhile.
    EndsSoon {
        /// When it will end.
        end: SystemTime,
        /// How long that is from now.
        left: Duration,
    },
    /// It has ended, which is the last thing that happens.
    Ended {
        /// When it ended.
        end: SystemTime,
        /// Whether the controller says so; else it is only what must be.
        confirmed: bool,
    },
    /// It is somebody else's now.
    Transferred {
        /// Whose.
        client: String,
    },
    /// The controller does not tell.
    Unknown(AskError),
}

/// Watches a lease until dropped.
#[derive(Debug)]
pub struct Watch {
    moments: mpsc::Receiver<Moment>,
    hurry: Arc<Notify>,
    task: AbortHandle,
}

/// What is known about the end, and what was said about it.
#[derive(Debug, Default)]
struct Clock {
    end: Option<SystemTime>,
    /// More than [`SOON`] was left, and that it is less now has not been told.
    longer: bool,
    transferred: bool,
}

/// What to do after a question.
#[derive(Debug)]
enum Next {
    /// Tell this, and ask again after that long.
    Ask(Option<Moment>, Duration),
    /// Tell this, and stop.
    Stop(Moment),
}

// === impl Watch ===

impl Watch {
    pub(super) fn start(leases: Leases, name: String) -> Self {
        let (tell, moments) = mpsc::channel(UNREAD);
        let hurry = Arc::new(Notify::new());
        let hurried = Arc::clone(&hurry);
        let task = tokio::spawn(async move {
            let mut clock = Clock::default();
            loop {
                let asked = leases.get(&name).await;
                match clock.after(asked, leases.client(), SystemTime::now()) {
                    Next::Ask(moment, pause) => {
                        if let Some(moment) = moment
                            && tell.send(moment).await.is_err()
                        {
                            return;
                        }
                        tokio::select! {
                            () = sleep(pause) => {}
                            () = hurried.notified() => {}
                        }
                    }
                    Next::Stop(moment) => {
                        // Whoever is gone does not mind.
                        tell.send(moment).await.ok();
                        return;
                    }
                }
            }
        });
        Self {
            moments,
            hurry,
            task: task.abort_handle(),
        }
    }

    /// Asks the controller now: something has happened that may have to do with the lease.
    pub fn ask_now(&self) {
        self.hurry.notify_one();
    }

    /// The next thing that happens; nothing more ever after the end.
    ///
    /// Dropping the future loses nothing, so it may stand in `select!`.
    pub async fn next(&mut self) -> Moment {
        match self.moments.recv().await {
            Some(moment) => moment,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Clock ===

impl Clock {
    fn after(&mut self, asked: Result<Lease, AskError>, client: &str, now: SystemTime) -> Next {
        let lease = match asked {
            Ok(lease) => lease,
            Err(error) => return self.unanswered(error, now),
        };
        self.end = lease.end();
        let Some(end) = self.end else {
            return Next::Ask(None, UNKNOWN);
        };
        let Ok(left) = end.duration_since(now) else {
            return Next::Stop(Moment::Ended {
                end,
                confirmed: true,
            });
        };
        // Ended in this moment, by a clock that is ahead of ours.
        if left.is_zero() || lease.ended.is_some() {
            return Next::Stop(Moment::Ended {
                end,
                confirmed: true,
            });
        }
        let soon = left < SOON;
        // A lease that was never longer needs no word, and one that is extended beyond it one more.
        self.longer |= !soon;
        let moment = if lease.client != client && !client.is_empty() && !self.transferred {
            self.transferred = true;
            Some(Moment::Transferred {
                client: lease.client,
            })
        } else if soon && self.longer {
            self.longer = false;
            Some(Moment::EndsSoon { end, left })
        } else {
            None
        };
        Next::Ask(moment, left.min(SELDOM))
    }

    fn unanswered(&self, error: AskError, now: SystemTime) -> Next {
        let left = self
            .end
            .map(|end| (end, end.duration_since(now).unwrap_or_default()));
        match left {
            Some((end, Duration::ZERO)) => Next::Stop(Moment::Ended {
                end,
                confirmed: false,
            }),
            Some((_, left)) => Next::Ask(Some(Moment::Unknown(error)), left.min(SELDOM)),
            None => Next::Ask(Some(Moment::Unknown(error)), SELDOM),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jumpstarter_proto::client_v1;
    use proptest::prelude::*;
    use tonic::Status;

    use super::*;

    /// A lease of an hour that began at 0.
    fn lease(minutes: u64) -> Lease {
        let shown = client_v1::Lease {
            name: "namespaces/lab/leases/42".to_owned(),
            client: Some("namespaces/lab/clients/me".to_owned()),
            duration: Duration::from_secs(minutes * 60).try_into().ok(),
            effective_begin_time: Some(at(0).into()),
            ..client_v1::Lease::default()
        };
        shown.try_into().unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn pause(next: Next) -> Duration {
        match next {
            Next::Ask(None, pause) => pause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_end_is_waited_for_in_small_steps() {
        let mut clock = Clock::default();
        assert_eq!(pause(clock.after(Ok(lease(60)), "me", at(0))), SELDOM);
        let soon = clock.after(Ok(lease(60)), "me", at(3600 - 299));
        assert!(
            matches!(soon, Next::Ask(Some(Moment::EndsSoon { .. }), _)),
            "{soon:?}"
        );
        assert_eq!(
            pause(clock.after(Ok(lease(60)), "me", at(3600 - 280))),
            SELDOM
        );
        let last = Duration::from_secs(7);
        assert_eq!(pause(clock.after(Ok(lease(60)), "me", at(3593))), last);
        let over = clock.after(Ok(lease(60)), "me", at(3600));
        let Next::Stop(Moment::Ended {
            end,
            confirmed: true,
        }) = over
        else {
            panic!("{over:?}");
        };
        assert_eq!(end, at(3600));
    }

    #[test]
    fn a_lease_that_was_extended_goes_on() {
        let mut clock = Clock::default();
        clock.after(Ok(lease(60)), "me", at(3590));
        assert_eq!(pause(clock.after(Ok(lease(120)), "me", at(3600))), SELDOM);
    }

    #[test]
    fn a_lease_that_ends_soon_is_told_once_however_late_that_is_seen() {
        let told = |next| match next {
            Next::Ask(Some(Moment::EndsSoon { left, .. }), _) => Some(left.as_secs()),
            Next::Ask(None, _) => None,
            other => panic!("{other:?}"),
        };
        let mut clock = Clock::default();
        assert_eq!(told(clock.after(Ok(lease(60)), "me", at(3600 - 300))), None);
        // No answer came for a while.
        let late = clock.after(Ok(lease(60)), "me", at(3600 - 200));
        assert_eq!(told(late), Some(200));
        assert_eq!(told(clock.after(Ok(lease(60)), "me", at(3600 - 170))), None);
        // A minute more is not enough for another word, an hour is.
        assert_eq!(told(clock.after(Ok(lease(61)), "me", at(3600 - 140))), None);
        assert_eq!(told(clock.after(Ok(lease(120)), "me", at(3600))), None);
        let again = clock.after(Ok(lease(120)), "me", at(7200 - 10));
        assert_eq!(told(again), Some(10));
        // Who asked for two minutes knows.
        let mut short = Clock::default();
        assert_eq!(told(short.after(Ok(lease(2)), "me", at(0))), None);
    }

    #[test]
    fn a_lease_that_was_ended_is_over_before_its_time() {
        let mut clock = Clock::default();
        let mut ended = lease(60);
        ended.ended = Some(at(100));
        let next = clock.after(Ok(ended), "me", at(100));
        assert!(
            matches!(
                next,
                Next::Stop(Moment::Ended {
                    confirmed: true,
                    ..
                })
            ),
            "{next:?}"
        );
    }

    #[test]
    fn without_an_answer_only_a_known_end_counts() {
        let lost = || Err(Status::unavailable("gone").into());
        let mut clock = Clock::default();
        let next = clock.after(lost(), "me", at(99_999));
        assert!(
            matches!(next, Next::Ask(Some(Moment::Unknown(_)), SELDOM)),
            "{next:?}"
        );
        clock.after(Ok(lease(60)), "me", at(10));
        let next = clock.after(lost(), "me", at(3590));
        let ten = Duration::from_secs(10);
        assert!(
            matches!(next, Next::Ask(Some(Moment::Unknown(_)), p) if p == ten),
            "{next:?}"
        );
        let next = clock.after(lost(), "me", at(3600));
        assert!(
            matches!(
                next,
                Next::Stop(Moment::Ended {
                    confirmed: false,
                    ..
                })
            ),
            "{next:?}"
        );
    }

    #[test]
    fn a_lease_that_was_handed_over_is_told_once() {
        let mut clock = Clock::default();
        let next = clock.after(Ok(lease(60)), "you", at(0));
        assert!(
            matches!(next, Next::Ask(Some(Moment::Transferred { .. }), _)),
            "{next:?}"
        );
        assert_eq!(pause(clock.after(Ok(lease(60)), "you", at(1))), SELDOM);
    }

    proptest! {
        /// Nobody is asked in a busy loop, and the end is never slept through.
        #[test]
        fn pauses_are_sensible(now in 0_u64..3600, answered: bool) {
            let mut clock = Clock::default();
            clock.after(Ok(lease(60)), "me", at(0));
            let asked = if answered { Ok(lease(60)) } else { Err(Status::unavailable("x").into()) };
            match clock.after(asked, "me", at(now)) {
                Next::Ask(_, pause) => {
                    prop_assert!(!pause.is_zero() && pause <= SELDOM);
                    prop_assert!(at(now) + pause <= at(3600));
                }
                Next::Stop(moment) => prop_assert!(false, "{moment:?} at {now}"),
            }
        }
    }
}
