//! Carries out what the scheduler decides.

use super::clock;
use super::step::Step;
use crate::model::{Condition, ConditionType, EndReason, ExporterRef, LeaseState, Uid};
use crate::schedule::{Decision, Refusal};

/// Serves the queues of all namespaces in which something has changed.
pub(super) fn serve(step: &mut Step<'_>) {
    // A decision stirs its namespace again, and may make room for others.
    while !step.stirred.is_empty() {
        for namespace in std::mem::take(&mut step.stirred) {
            for decision in step.state.decide(&namespace) {
                carry_out(step, decision);
            }
            if !step.stirred.contains(&namespace) {
                for lease in step.state.newcomers(&namespace) {
                    wait(step, lease);
                }
            }
        }
    }
}

fn carry_out(step: &mut Step<'_>, decision: Decision) {
    match decision {
        Decision::Grant {
            lease,
            exporter,
            priority,
        } => grant(step, lease, exporter, priority),
        Decision::Refuse { lease, why } => refuse(step, lease, &why),
    }
}

fn grant(step: &mut Step<'_>, uid: Uid, exporter: Uid, priority: i64) {
    let (Some(mut lease), Some(exporter)) = (step.lease(uid), step.state.exporters.get(exporter))
    else {
        return;
    };
    let name = exporter.key.name.clone();
    lease.exporter = Some(ExporterRef {
        uid: exporter.uid,
        name: name.clone(),
    });
    lease.state = LeaseState::Active;
    lease.began = Some(step.now);
    lease.priority = priority;
    lease.conditions.set(Condition {
        kind: ConditionType::Ready,
        holds: true,
        reason: "Ready".to_owned(),
        message: format!("An exporter has been acquired for the client: {name}"),
        generation: lease.generation,
        since: step.now,
    });
    let key = lease.key.clone();
    let over = lease.end().is_some_and(|end| end <= step.now);
    step.put_lease(lease.clone());
    step.record("lab", "LeaseGranted", ("lease", &key), format!("on {name}"));
    if over {
        // Its window has passed while it waited.
        clock::end(step, lease, EndReason::Expired, "lab");
    }
}

/// Records what a lease waits for, the first time only: it may change often, and whoever asks is told
/// the current answer.
fn wait(step: &mut Step<'_>, uid: Uid) {
    let Some(mut lease) = step.lease(uid) else {
        return;
    };
    if lease.conditions.get(ConditionType::Pending).is_some() {
        return;
    }
    let Some((why, position)) = step.state.queue_position(&lease) else {
        return;
    };
    lease.conditions.set(Condition {
        kind: ConditionType::Pending,
        holds: true,
        reason: why.reason().to_owned(),
        message: why.message(&position),
        generation: lease.generation,
        since: step.now,
    });
    step.put_waiting(lease);
}

fn refuse(step: &mut Step<'_>, uid: Uid, why: &Refusal) {
    let Some(mut lease) = step.lease(uid) else {
        return;
    };
    let (kind, reason) = match why {
        Refusal::NoSelector => (ConditionType::Invalid, EndReason::Invalid),
        _ => (ConditionType::Unsatisfiable, EndReason::Unsatisfiable),
    };
    lease.conditions.set(Condition {
        kind,
        holds: true,
        reason: why.reason().to_owned(),
        message: why.to_string(),
        generation: lease.generation,
        since: step.now,
    });
    clock::end(step, lease, reason, "lab");
}
