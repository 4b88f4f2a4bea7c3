//! The ends of leases by a clock that cannot be set.
//!
//! A lease ends when its time is up by the wall clock, which is what its client goes by. If that clock
//! is set back meanwhile, a lease of one hour would last a day and an hour, or many years; so its
//! length is measured by the monotonic clock, too, and whichever is first ends it. Leases that were
//! asked for until a time of day go by the wall clock only.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::clock::Moment;
use crate::model::{Lease, LeaseState, Time, Uid};
use crate::store::Change;

/// The ends of all active leases that have a length.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    all: HashMap<Uid, Alarm>,
    order: BTreeSet<(Duration, Uid)>,
}

#[derive(Clone, Copy, Debug)]
struct Alarm {
    /// The end by the wall clock.
    end: Time,
    /// The end by the monotonic clock.
    at: Duration,
}

// === impl Alarms ===

impl Alarms {
    /// Starts over with these leases, which are all there are.
    pub(super) fn review<'a>(&mut self, leases: impl Iterator<Item = &'a Arc<Lease>>, now: Moment) {
        let before = std::mem::take(self);
        for lease in leases {
            if let Some(known) = before.all.get(&lease.uid) {
                self.all.insert(lease.uid, *known);
            }
            self.set(lease, now);
        }
    }

    /// Applies changes that are committed.
    pub(super) fn follow(&mut self, changes: &[Change], now: Moment) {
        for change in changes {
            if let Change::Lease(lease) = change {
                self.set(lease, now);
            }
        }
    }

    /// The leases whose time is up.
    pub(super) fn ringing(&self, now: Moment) -> Vec<Uid> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now.steady);
        due.map(|(_, uid)| *uid).collect()
    }

    /// When the next lease ends, by the monotonic clock.
    pub(super) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    fn set(&mut self, lease: &Lease, now: Moment) {
        let known = self.all.remove(&lease.uid);
        if let Some(known) = known {
            self.order.remove(&(known.at, lease.uid));
        }
        let Some((end, length)) = promised(lease) else {
            return;
        };
        let at = match known {
            // The end was moved; the alarm moves by as much.
            Some(Alarm { end: before, at }) if end >= before => at + end.since(before),
            Some(Alarm { end: before, at }) => at.saturating_sub(before.since(end)),
            // Never more than the whole length, whatever the wall clock says.
            None => now.steady + end.since(now.wall).min(length),
        };
        self.all.insert(lease.uid, Alarm { end, at });
        self.order.insert((at, lease.uid));
    }
}

/// When an active lease ends, and its length; `None` unless it was asked for by length alone.
fn promised(lease: &Lease) -> Option<(Time, Duration)> {
    let by_length = lease.not_before.is_none() && lease.not_after.is_none();
    match lease.state {
        LeaseState::Active if by_length => Some((lease.end()?, lease.duration?)),
        _ => None,
    }
}
