//! The invariants that hold after every step.

use super::*;
use crate::lab::state::State;
use crate::schedule::plain::{Verdict, verdicts};
use crate::store::Loaded;

impl World {
    /// Checks all invariants.
    pub(super) async fn check(&mut self) {
        let loaded = self.loaded().await;
        settled(&self.bench.lab.read());
        let all = self.leases(true).await;
        let mut held = HashMap::new();
        for lease in &all {
            in_order(lease);
            if lease.state == LeaseState::Active {
                let exporter = lease.exporter.as_ref().unwrap().uid;
                assert_eq!(held.insert(exporter, lease), None, "one lease per exporter");
            }
            if let Some(before) = self.ended.get(&lease.key) {
                assert_eq!(lease, before, "what has ended stays as it was");
                continue;
            }
            self.in_time(lease);
            if lease.has_ended() {
                self.ended.insert(lease.key.clone(), Arc::clone(lease));
            }
        }
        assert_eq!(
            all.len(),
            loaded.leases.len() + self.ended.len(),
            "none is lost"
        );
    }

    /// The database and the published state are the same.
    ///
    /// The lab stores when exporters were last heard of by itself, at any time; then one is ahead of
    /// the other for a moment.
    async fn loaded(&self) -> Loaded {
        let mut tries = 0;
        loop {
            let loaded = self.bench.lab.store().load().await.unwrap();
            let stored = texts(&State::of(&loaded));
            let seen = texts(&self.bench.lab.read());
            if seen == stored {
                return loaded;
            }
            tries += 1;
            assert!(tries < 100, "memory {seen:#?}\nand database {stored:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// However the wall clock is set, no lease lasts longer than its length.
    fn in_time(&mut self, lease: &Lease) {
        let now = self.clocks.now();
        let Some(length) = lease.duration.filter(|_| {
            let fixed = lease.not_before.is_some() || lease.not_after.is_some();
            lease.began.is_some() && !fixed
        }) else {
            return;
        };
        let end = lease.end().unwrap();
        let begun = *self.begun.entry(lease.uid).or_insert(Begun {
            seen: now.steady,
            left: end.since(now.wall).min(length),
            end,
        });
        let had = now.steady - begun.seen;
        let allowed = (begun.left + end.since(begun.end)).saturating_sub(begun.end.since(end));
        let over = end <= now.wall || had >= allowed;
        match lease.end_reason {
            None => assert!(!over, "{lease:?} is over, {now:?}, {begun:?}"),
            Some(EndReason::Expired) => assert!(over, "{lease:?} is not over, {now:?}, {begun:?}"),
            Some(_) => {}
        }
    }
}

/// Everything in a state, sorted.
fn texts(state: &State) -> Vec<String> {
    let mut texts = Vec::new();
    texts.extend(state.exporters.iter().map(|object| format!("{object:?}")));
    texts.extend(state.clients.iter().map(|object| format!("{object:?}")));
    texts.extend(state.policies.iter().map(|object| format!("{object:?}")));
    texts.extend(state.leases.iter().map(|object| format!("{object:?}")));
    let credentials = state.credentials.values();
    texts.extend(credentials.map(|object| format!("{object:?}")));
    texts.extend(state.held.iter().map(|pair| format!("held {pair:?}")));
    texts.extend(state.used.iter().map(|pair| format!("used {pair:?}")));
    texts.sort();
    texts
}

/// No lease waits for what it could have, and each is told what it waits for.
fn settled(state: &State) {
    let pending = |lease: &&Arc<Lease>| lease.state == LeaseState::Pending;
    let waiting: Vec<_> = state.leases.iter().filter(pending).cloned().collect();
    for (uid, verdict) in verdicts(&state.snapshot(), "lab", &waiting) {
        let Verdict::Wait { why, position } = verdict else {
            panic!("this was to be done before: {verdict:?}");
        };
        let lease = state.leases.get(uid).unwrap();
        assert_eq!(state.queue_position(lease), Some((why, position)));
        assert!(condition(lease, ConditionType::Pending).is_some_and(|(holds, _)| holds));
    }
}

fn in_order(lease: &Lease) {
    let kinds: Vec<_> = lease
        .conditions
        .iter()
        .map(|condition| condition.kind)
        .collect();
    if let Some(ready) = kinds.iter().position(|kind| *kind == ConditionType::Ready) {
        assert_eq!(ready, kinds.len() - 1, "Ready is the last: {lease:?}");
    }
    if let Some(pending) = kinds
        .iter()
        .position(|kind| *kind == ConditionType::Pending)
    {
        assert_eq!(pending, 0, "Pending is the first: {lease:?}");
    }
    let holds = condition(lease, ConditionType::Ready).is_some_and(|(holds, _)| holds);
    assert_eq!(holds, lease.state == LeaseState::Active, "{lease:?}");
    assert_eq!(
        lease.has_ended(),
        lease.ended.is_some() && lease.end_reason.is_some(),
        "{lease:?}"
    );
    assert_eq!(lease.began.is_some(), lease.exporter.is_some(), "{lease:?}");
    if lease.state == LeaseState::Pending {
        assert!(
            lease.eligible_since.is_some() && !kinds.is_empty(),
            "{lease:?}"
        );
    }
    if let (Some(began), Some(ended)) = (lease.began, lease.ended) {
        assert!(began <= ended, "{lease:?}");
    }
}
