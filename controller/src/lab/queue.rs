//! Carries out what the scheduler decides.

use super::clock;
use super::state::State;
use super::step::Step;
use crate::model::{Condition, ConditionType, EndReason, ExporterRef, Lease, LeaseState, Uid};
use crate::schedule::{Decision, Place, Refusal, Snapshot, Waiting, decide};

/// Serves the queues of all namespaces in which something has changed.
pub(super) fn serve(step: &mut Step<'_>) {
    // A refusal or a grant stirs its namespace again, and may make room.
    while !step.stirred.is_empty() {
        let stirred = std::mem::take(&mut step.stirred);
        for namespace in stirred {
            for decision in decide(&snapshot(step.state, &namespace)) {
                carry_out(step, decision);
            }
        }
        // Waiting and granting make no room for anybody, so one round is enough unless leases ended.
        if step.stirred.is_empty() {
            break;
        }
    }
}

pub(super) fn snapshot<'a>(state: &'a State, namespace: &str) -> Snapshot<'a> {
    let waiting: Vec<&Lease> = state
        .leases
        .iter()
        .filter(|lease| lease.key.namespace == namespace && lease.state == LeaseState::Pending)
        .map(AsRef::as_ref)
        .collect();
    if waiting.is_empty() {
        // Nothing to decide, so nothing to gather.
        return Snapshot::default();
    }
    let clients = state
        .clients
        .iter()
        .filter(|client| client.key.namespace == namespace);
    Snapshot {
        exporters: state
            .exporters
            .iter()
            .filter(|exporter| exporter.key.namespace == namespace)
            .map(AsRef::as_ref)
            .collect(),
        clients: clients
            .map(|client| (client.key.name.as_str(), client.as_ref()))
            .collect(),
        policies: state
            .policies
            .iter()
            .filter(|policy| policy.key.namespace == namespace)
            .map(AsRef::as_ref)
            .collect(),
        waiting,
        leased: state.held.keys().copied().collect(),
        used: state.used.clone(),
    }
}

fn carry_out(step: &mut Step<'_>, decision: Decision) {
    match decision {
        Decision::Grant {
            lease,
            exporter,
            priority,
        } => grant(step, lease, exporter, priority),
        Decision::Wait { lease, why, place } => wait(step, lease, why, place),
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

/// Only another reason is written down; the numbers in the message are told to whoever asks.
fn wait(step: &mut Step<'_>, uid: Uid, why: Waiting, place: Place) {
    let Some(lease) = step.state.leases.get(uid) else {
        return;
    };
    let known = lease.conditions.get(ConditionType::Pending);
    if known.is_none_or(|known| known.reason != why.reason()) {
        let mut lease = Lease::clone(lease);
        lease.conditions.set(Condition {
            kind: ConditionType::Pending,
            holds: true,
            reason: why.reason().to_owned(),
            message: why.message(&place),
            generation: lease.generation,
            since: step.now,
        });
        step.put_waiting(lease);
    }
    step.state.places.insert(uid, (why, place));
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
