//! What happens at a given time: leases begin to wait, and end.

use std::sync::Arc;
use std::time::Duration;

use super::alarms::Alarms;
use super::state::State;
use super::step::Step;
use crate::model::{Condition, ConditionType, EndReason, Lease, LeaseState, Time};

/// Tells the time; tests have others than the machine's.
pub(super) type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The wall clock, which people set forward and back.
    pub(super) wall: Time,
    /// The monotonic clock, since some moment in the past.
    pub(super) steady: Duration,
}

/// The clocks of this machine.
pub(super) fn real() -> Clock {
    let start = tokio::time::Instant::now();
    Arc::new(move || Moment {
        wall: Time::now(),
        steady: start.elapsed(),
    })
}

/// Does everything that is due.
pub(super) fn tick(step: &mut Step<'_>, alarms: &Alarms, now: Moment) {
    for lease in step.state.due(now.wall) {
        let mut lease = Lease::clone(&lease);
        if lease.state == LeaseState::Scheduled {
            lease.state = LeaseState::Pending;
            lease.eligible_since = lease.not_before;
            step.put_lease(lease);
        } else {
            end(step, lease, EndReason::Expired, "lab");
        }
    }
    for uid in alarms.ringing(now) {
        if let Some(mut lease) = step.lease(uid) {
            // An alarm ended it while the wall clock is behind: it ends when it should have by that
            // clock.
            lease.ended = lease.end();
            end(step, lease, EndReason::Expired, "lab");
        }
    }
}

/// How long until something is due, if nobody sets the wall clock.
pub(super) fn next(state: &State, alarms: &Alarms, now: Moment) -> Option<Duration> {
    let by_wall = state.next_due().map(|due| due.since(now.wall));
    let by_alarm = alarms.next().map(|at| at.saturating_sub(now.steady));
    by_wall.into_iter().chain(by_alarm).min()
}

pub(super) fn end(step: &mut Step<'_>, mut lease: Lease, reason: EndReason, actor: &str) {
    let now = step.now;
    lease.state = LeaseState::Ended;
    // The wall clock may have been set back meanwhile.
    let ended = || lease.began.map_or(now, |began| began.max(now));
    lease.ended = Some(lease.ended.unwrap_or_else(ended));
    lease.end_reason = Some(reason);
    let (word, message, what) = match reason {
        EndReason::Released => (
            "Released",
            "The lease was marked for release",
            "LeaseReleased",
        ),
        EndReason::Expired => ("Expired", "The lease has expired", "LeaseExpired"),
        EndReason::Deleted => (
            "Released",
            "The exporter or the client was deleted",
            "LeaseReleased",
        ),
        // Their conditions say it already.
        EndReason::Unsatisfiable | EndReason::Invalid => ("", "", "LeaseRefused"),
    };
    if !word.is_empty() {
        lease.conditions.set(Condition {
            kind: ConditionType::Ready,
            holds: false,
            reason: word.to_owned(),
            message: message.to_owned(),
            generation: lease.generation,
            since: now,
        });
    }
    let on = lease
        .exporter
        .as_ref()
        .map(|exporter| exporter.name.clone());
    let key = lease.key.clone();
    step.put_lease(lease);
    let detail = on.map(|name| format!("on {name}")).unwrap_or_default();
    step.record(actor, what, ("lease", &key), detail);
}

// === impl Moment ===

impl Moment {
    /// By how much the wall clock was set forward since.
    pub(super) fn has_gained(self, since: Self) -> Duration {
        let went_by = self.steady.saturating_sub(since.steady);
        self.wall.since(since.wall.after(went_by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_gains_is_what_people_set_it_forth() {
        let at = |wall: i64, steady: u64| Moment {
            wall: Time(wall * 1_000_000),
            steady: Duration::from_secs(steady),
        };
        let start = at(1000, 5);
        assert_eq!(at(1010, 15).has_gained(start), Duration::ZERO);
        assert_eq!(at(1110, 15).has_gained(start), Duration::from_secs(100));
        assert_eq!(at(10, 15).has_gained(start), Duration::ZERO);
    }
}
