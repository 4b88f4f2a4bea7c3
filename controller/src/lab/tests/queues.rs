//! A queue that follows every change decides like one that is rebuilt each time.
//!
//! A failure prints its seed; `QUEUES_SEED=…` runs only that one, `QUEUES_SEEDS=…` so many.

use std::collections::HashMap;

use super::chance::{Chance, Seed};
use super::*;
use crate::lab::state::State;
use crate::model::samples::{self, uid};
use crate::model::{Client, ExporterRef, Policy, Rule, Uid};
use crate::schedule::plain::{Verdict, verdicts};
use crate::schedule::{Decision, Refusal};
use crate::store::{Change, Loaded};

const STEPS: usize = 60;
const EXPORTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const CLIENTS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const SELECTORS: [&str; 5] = [
    "board=x",
    "board=y",
    "board in (x,y)",
    "rack=1,board=x",
    "!rack",
];
const LABELS: [&str; 5] = ["board=x", "board=y", "board=x,rack=1", "board=y,rack=2", ""];
const TEAMS: [&str; 4] = ["team=apps", "team=apps,shift=night", "team=ci", ""];

/// The working state, the published state, and the changes between them.
struct World {
    chance: Chance,
    working: State,
    seen: State,
    changes: Vec<Change>,
    leases: u64,
}

#[test]
fn queues_that_follow_decide_as_those_made_anew() {
    let mut granted = 0;
    for seed in Seed::all("QUEUES_SEED", 500) {
        let mut world = World::new(seed.seed);
        for _ in 0..STEPS {
            granted += world.step();
        }
    }
    assert!(granted > 100, "it was worth it");
}

// === impl World ===

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            chance: Chance::of(seed),
            working: State::of(&Loaded::default()),
            seen: State::of(&Loaded::default()),
            changes: Vec::new(),
            leases: 0,
        };
        for at in 0..4 {
            let exporter = samples::exporter(EXPORTERS[at], LABELS[at]);
            world.apply(Change::Exporter(Arc::new(exporter)));
            let client = world.client_of(CLIENTS[at]);
            world.apply(client);
        }
        if world.chance.below(2) == 0 {
            let everybody = samples::policy("", vec![samples::rule("", 0)]);
            world.apply(Change::Policy(Arc::new(everybody)));
        }
        for change in std::mem::take(&mut world.changes) {
            world.seen.apply(&change);
        }
        world
    }

    fn apply(&mut self, change: Change) {
        self.working.apply(&change);
        self.changes.push(change);
    }

    /// Makes some changes with all that follows; returns how many leases were served.
    fn step(&mut self) -> usize {
        if self.chance.below(40) == 0 {
            self.start_over();
        }
        for _ in 0..=self.chance.below(4) {
            if let Some(change) = self.change() {
                self.apply(change);
            }
        }
        let granted = self.serve();
        let changes = std::mem::take(&mut self.changes);
        for change in &changes {
            self.seen.apply(change);
        }
        self.seen.adopt(&self.working);
        let waiting = waiting(&self.working);
        let verdicts = verdicts(&self.working.snapshot(), "lab", &waiting);
        for lease in &waiting {
            let Some(Verdict::Wait { why, position }) = verdicts.get(&lease.uid) else {
                panic!("{lease:?} waits in vain");
            };
            let position = Some((*why, position.clone()));
            assert_eq!(self.working.queue_position(lease), position, "{lease:?}");
            assert_eq!(
                self.seen.queue_position(lease),
                position,
                "{lease:?} as the world sees it"
            );
        }
        granted
    }

    /// Carries out what the queue decides, and checks that the plain rules decide the same.
    fn serve(&mut self) -> usize {
        let mut granted = 0;
        loop {
            let waiting = waiting(&self.working);
            let expected = verdicts(&self.working.snapshot(), "lab", &waiting);
            let decisions = self.working.decide("lab");
            let told: HashMap<Uid, Verdict> = decisions.iter().map(told).collect();
            let lasting = |(_, verdict): &(Uid, Verdict)| !matches!(verdict, Verdict::Wait { .. });
            assert_eq!(told, expected.into_iter().filter(lasting).collect());
            if decisions.is_empty() {
                return granted;
            }
            for decision in decisions {
                granted += usize::from(matches!(decision, Decision::Grant { .. }));
                self.carry_out(decision);
            }
        }
    }

    fn carry_out(&mut self, decision: Decision) {
        let (uid, exporter) = match decision {
            Decision::Grant {
                lease, exporter, ..
            } => (lease, Some(exporter)),
            Decision::Refuse { lease, .. } => (lease, None),
        };
        let mut lease = Lease::clone(self.working.leases.get(uid).unwrap());
        match exporter {
            Some(uid) => {
                let name = self.working.exporters.get(uid).unwrap().key.name.clone();
                lease.state = LeaseState::Active;
                lease.exporter = Some(ExporterRef { uid, name });
                lease.began = Some(Time(self.chance.below(9) as i64));
            }
            None => lease.state = LeaseState::Ended,
        }
        self.apply(Change::Lease(Arc::new(lease)));
    }

    /// As after a failed commit: the working state is rebuilt, the published one is not.
    fn start_over(&mut self) {
        let state = &self.seen;
        self.working = State::of(&Loaded {
            exporters: state.exporters.iter().cloned().collect(),
            clients: state.clients.iter().cloned().collect(),
            policies: state.policies.iter().cloned().collect(),
            credentials: Vec::new(),
            leases: state.leases.iter().cloned().collect(),
            used: state.used.iter().map(|(uid, at)| (*uid, *at)).collect(),
        });
    }

    fn change(&mut self) -> Option<Change> {
        match self.chance.below(20) {
            0..=5 => Some(self.new_lease()),
            6..=9 => self.other_lease(),
            10..=14 => self.exporter(),
            15 | 16 => Some(self.client()),
            _ => Some(self.policy()),
        }
    }

    fn new_lease(&mut self) -> Change {
        self.leases += 1;
        let selector = self.chance.one(&SELECTORS);
        let mut lease = samples::lease(&format!("lease-{}", self.leases), selector);
        lease.owner = self.chance.one(&CLIENTS).to_owned();
        lease.duration = Some(Duration::from_secs(60 * self.chance.below(4)));
        lease.eligible_since = Some(Time(self.chance.below(50) as i64));
        if self.chance.below(6) == 0 {
            lease.pinned = Some(self.chance.one(&EXPORTERS).to_owned());
            lease.allow_disabled = self.chance.below(2) == 0;
        }
        if self.chance.below(12) == 0 {
            lease.state = LeaseState::Scheduled;
            lease.not_before = Some(Time(100));
        }
        Change::Lease(Arc::new(lease))
    }

    /// The lease is released, made longer or shorter, or expires.
    fn other_lease(&mut self) -> Option<Change> {
        let mut all: Vec<_> = self.working.leases.iter().cloned().collect();
        all.sort_by_key(|lease| lease.uid);
        let count = all.len() as u64;
        let lease = (count > 0).then(|| &all[self.chance.below(count) as usize])?;
        let mut lease = Lease::clone(lease);
        match (lease.state, self.chance.below(3)) {
            (LeaseState::Scheduled, _) => lease.state = LeaseState::Pending,
            (_, 0) => lease.duration = Some(Duration::from_secs(60 * self.chance.below(4))),
            _ => lease.state = LeaseState::Ended,
        }
        Some(Change::Lease(Arc::new(lease)))
    }

    fn exporter(&mut self) -> Option<Change> {
        let name = self.chance.one(&EXPORTERS);
        let known = self.working.exporters.named(&key(name)).cloned();
        let Some(known) = known else {
            let text = self.chance.one(&LABELS);
            return Some(Change::Exporter(Arc::new(samples::exporter(name, text))));
        };
        let mut exporter = Exporter::clone(&known);
        match self.chance.below(12) {
            0 => {
                if self.working.lease_on(exporter.uid).is_some() {
                    return None;
                }
                return Some(Change::NoExporter(exporter.uid));
            }
            1 => exporter.labels = labels(self.chance.one(&LABELS)),
            2 => exporter.told = labels(self.chance.one(&LABELS)),
            3 | 4 => exporter.enabled = !exporter.enabled,
            5 => exporter.devices.clear(),
            6 | 7 => exporter.online = !exporter.online,
            _ => {
                let status = [ExporterStatus::Available, ExporterStatus::AfterLeaseHook];
                exporter.reported = Some(reported(self.chance.one(&status)));
            }
        }
        Some(Change::Exporter(Arc::new(exporter)))
    }

    fn client(&mut self) -> Change {
        let name = self.chance.one(&CLIENTS);
        match self.chance.below(4) {
            0 => Change::NoClient(uid(name)),
            _ => self.client_of(name),
        }
    }

    fn client_of(&mut self, name: &str) -> Change {
        Change::Client(Arc::new(Client {
            uid: uid(name),
            key: key(name),
            labels: labels(self.chance.one(&TEAMS)),
            username: None,
            migrated: None,
            provisioned: false,
            generation: 1,
            created: Time(0),
        }))
    }

    fn policy(&mut self) -> Change {
        let name = self.chance.one(&["p", "q", "r"]);
        if self.chance.below(3) == 0 {
            return Change::NoPolicy(uid(name));
        }
        let rules = (0..self.chance.below(4)).map(|_| self.rule()).collect();
        let exporters = self.chance.one(&["", "", "board=x", "rack=1"]);
        let policy = samples::policy(exporters, rules);
        Change::Policy(Arc::new(Policy {
            uid: uid(name),
            key: key(name),
            ..policy
        }))
    }

    fn rule(&mut self) -> Rule {
        let maximum = self.chance.one(&[None, None, Some(90)]);
        Rule {
            maximum: maximum.map(Duration::from_secs),
            spot: self.chance.below(5) == 0,
            ..samples::rule(self.chance.one(&TEAMS), self.chance.below(4) as i64 - 1)
        }
    }
}

/// The waiting leases, in no order.
fn waiting(state: &State) -> Vec<Arc<Lease>> {
    let all = state.leases.iter();
    all.filter(|lease| lease.state == LeaseState::Pending)
        .cloned()
        .collect()
}

fn told(decision: &Decision) -> (Uid, Verdict) {
    match decision {
        Decision::Grant {
            lease,
            exporter,
            priority,
        } => {
            let (exporter, priority) = (*exporter, *priority);
            (*lease, Verdict::Grant { exporter, priority })
        }
        Decision::Refuse { lease, why } => {
            let why = Refusal::clone(why);
            (*lease, Verdict::Refuse { why })
        }
    }
}
