//! Properties that hold in every lab.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::grant;
use super::*;

/// Labs with a few of everything, so that much of it overlaps.
fn labs() -> impl Strategy<Value = Lab> {
    let exporter = (0..3_u8, 0..2_u8, any::<[bool; 4]>());
    let lease = (0..4_u8, 0..3_u8, 0..50_i64, proptest::option::of(0..8_u8));
    let granted = (0..4_u8, -1..3_i64, proptest::option::of(30..90_u64));
    (
        proptest::collection::vec(exporter, 0..8),
        proptest::collection::vec(lease, 0..14),
        proptest::option::of(proptest::collection::vec(granted, 0..4)),
    )
        .prop_map(|(exporters, leases, rules)| {
            let mut lab = Lab::default();
            for (at, (board, rack, [online, ready, enabled, leased])) in
                exporters.into_iter().enumerate()
            {
                let mut exporter = exporter_of(at, &format!("board={board},rack={rack}"));
                exporter.online = online;
                exporter.enabled = enabled || at % 2 == 0;
                if !ready {
                    exporter.reported = Some(Reported {
                        status: ExporterStatus::LeaseReady,
                        message: String::new(),
                    });
                }
                if leased {
                    lab.leased.push(NAMES[at]);
                }
                lab.exporters.push(exporter);
            }
            for team in 0..3 {
                lab = lab.client(&format!("client-{team}"), &format!("team={team}"));
            }
            for (at, (board, team, since, pin)) in leases.into_iter().enumerate() {
                lab = lab
                    .lease(&format!("lease-{at}"), &format!("board={board}"))
                    .with(|lease| {
                        lease.owner = format!("client-{team}");
                        lease.eligible_since = Some(Time(since));
                        lease.pinned = pin.map(|pin| NAMES[usize::from(pin)].to_owned());
                    });
            }
            if let Some(rules) = rules {
                let rules = rules.into_iter().map(|(team, priority, maximum)| Rule {
                    maximum: maximum.map(Duration::from_secs),
                    ..rule(&format!("team={team}"), priority)
                });
                lab = lab.policy("", rules.collect());
            }
            lab
        })
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn exporter_of(at: usize, labels: &str) -> Exporter {
    exporter(NAMES[at], labels)
}

impl Lab {
    /// The leases that go on waiting.
    fn waits(&self) -> HashSet<Uid> {
        let told = self.decide().into_iter();
        told.filter(|(_, verdict)| matches!(verdict, Verdict::Wait { .. }))
            .map(|(lease, _)| lease)
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_lease_gets_one_answer(lab in labs()) {
        let mut answered: Vec<Uid> = lab.decide().iter().map(|(lease, _)| *lease).collect();
        let mut asked: Vec<Uid> = lab.waiting.iter().map(|lease| lease.uid).collect();
        answered.sort();
        asked.sort();
        prop_assert_eq!(answered, asked);
    }

    #[test]
    fn grants_are_right_and_nobody_is_passed_over(lab in labs()) {
        let find = |wanted: Uid| lab.exporters.iter().find(|exporter| exporter.uid == wanted).unwrap();
        let allowed = |lease: &Lease, exporter: &Exporter| {
            let client = lab.clients.iter().find(|client| client.key.name == lease.owner);
            let policies: Vec<&Policy> = lab.policies.iter().collect();
            let standings = grant::standings(policies.iter().copied(), client, lease.duration.unwrap());
            let offer = grant::judge(policies.iter().copied(), &standings, exporter);
            offer.map(|offer| offer.priority)
        };
        let suits = |lease: &Lease, exporter: &Exporter| {
            lease.selector.matches(|key| exporter.label(key))
                && lease.pinned.as_ref().is_none_or(|name| *name == exporter.key.name)
                && exporter.enabled
                && exporter.online
                && exporter.is_ready()
                && !lab.leased.iter().any(|name| uid(name) == exporter.uid)
                && allowed(lease, exporter).is_some()
        };
        let rank = |lease: &Lease| {
            let grants = lab.exporters.iter().filter(|exporter| {
                lease.selector.matches(|key| exporter.label(key))
                    && lease.pinned.as_ref().is_none_or(|name| *name == exporter.key.name)
                    && exporter.enabled
            });
            let best = grants.filter_map(|exporter| allowed(lease, exporter)).max();
            (std::cmp::Reverse(best.unwrap_or_default()), lease.eligible_since, lease.uid)
        };
        let mut taken: HashMap<Uid, &Lease> = HashMap::new();
        for (lease, verdict) in lab.decide() {
            if let Verdict::Grant { exporter, priority } = verdict {
                let lease = lab.waiting.iter().find(|waiting| waiting.uid == lease).unwrap();
                let exporter = find(exporter);
                prop_assert!(suits(lease, exporter), "{lease:?} got {exporter:?}");
                prop_assert_eq!(allowed(lease, exporter), Some(priority));
                prop_assert!(taken.insert(exporter.uid, lease).is_none(), "booked twice");
            }
        }
        // A lease that got nothing could have had only what a lease before it has.
        for lease in &lab.waiting {
            if taken.values().any(|winner| winner.uid == lease.uid) {
                continue;
            }
            for exporter in lab.exporters.iter().filter(|exporter| suits(lease, exporter)) {
                let winner = taken.get(&exporter.uid);
                prop_assert!(
                    winner.is_some_and(|winner| rank(winner) < rank(lease)),
                    "{} was passed over for {}", lease.key.name, exporter.key.name
                );
            }
        }
    }

    /// With enough time, every waiting lease is served, in whatever order exporters come back.
    #[test]
    fn nobody_starves(lab in labs(), order in any::<u64>()) {
        let mut lab = lab;
        lab.leased.clear();
        for exporter in &mut lab.exporters {
            exporter.online = true;
            exporter.reported = None;
        }
        let waiting = lab.waiting.len();
        for round in 0..=waiting {
            let waits = lab.waits();
            lab.waiting.retain(|lease| waits.contains(&lease.uid));
            // Another exporter is offline each time, and back the next.
            let count = lab.exporters.len().max(2);
            for (at, exporter) in lab.exporters.iter_mut().enumerate() {
                exporter.online = (order >> (round % 60)) as usize % count != at || round % 2 == 0;
            }
        }
        // Offline exporters may have cost every second round.
        for exporter in &mut lab.exporters {
            exporter.online = true;
        }
        for _ in 0..waiting {
            let waits = lab.waits();
            lab.waiting.retain(|lease| waits.contains(&lease.uid));
        }
        prop_assert!(lab.waiting.is_empty(), "{:?} still wait", lab.waiting);
    }
}
