//! What happens because it is time: leases begin to wait, and end.

use std::sync::Arc;

use super::step::Step;
use crate::model::{Condition, ConditionType, EndReason, Lease, LeaseState, Time};

/// Says what time it is.
pub(super) type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// When `lease` needs attention next, by itself.
pub(super) fn due(lease: &Lease) -> Option<Time> {
    match lease.state {
        LeaseState::Scheduled => lease.not_before,
        LeaseState::Pending | LeaseState::Ended => None,
        LeaseState::Active => lease.end(),
    }
}

/// Does everything whose time has come.
pub(super) fn tick(step: &mut Step<'_>) {
    let now = step.now;
    let is_due = |lease: &&Arc<Lease>| due(lease).is_some_and(|due| due <= now);
    let leases: Vec<Lease> = step
        .state
        .leases
        .iter()
        .filter(is_due)
        .map(|lease| Lease::clone(lease))
        .collect();
    for mut lease in leases {
        if lease.state == LeaseState::Scheduled {
            lease.state = LeaseState::Pending;
            lease.eligible_since = lease.not_before;
            step.put_lease(lease);
        } else {
            end(step, lease, EndReason::Expired, "lab");
        }
    }
}

/// When something is due next.
pub(super) fn next(step: &Step<'_>) -> Option<Time> {
    step.state
        .leases
        .iter()
        .filter_map(|lease| due(lease))
        .min()
}

/// Ends a lease that has not ended.
pub(super) fn end(step: &mut Step<'_>, mut lease: Lease, reason: EndReason, actor: &str) {
    let now = step.now;
    lease.state = LeaseState::Ended;
    // The clock may have been set back meanwhile.
    lease.ended = Some(lease.began.map_or(now, |began| began.max(now)));
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
