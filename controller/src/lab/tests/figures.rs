//! How fast it is, for people who want to know: `cargo test --release … figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;
use crate::store::{Change, Event};

/// The median and the 99th percentile.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    format!("p50 {:?}, p99 {:?}", at(50), at(99))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; takes a minute"]
async fn ten_thousand_leases_on_a_thousand_exporters() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let start = Instant::now();
    let make = (0..1000).map(|at| {
        let (bench, board) = (&bench, at % 20);
        async move {
            let text = format!("board=b{board},rack=r{at}");
            bench.exporter(&format!("e{at}"), &text).await
        }
    });
    let _present = futures_util::future::join_all(make).await;
    println!("1,000 exporters there: {:?}", start.elapsed());
    let mut times = Vec::new();
    for at in 0..200 {
        let start = Instant::now();
        let lease = bench.lease("alice", &format!("board=b{}", at % 20)).await;
        times.push(start.elapsed());
        assert_eq!(lease.state, LeaseState::Active);
    }
    println!("create to Ready, nobody waits: {}", spread(times));
    let long = |at: usize| {
        let mut new = wanted("alice", &format!("board=b{}", at % 20));
        new.wish.duration = Some(minutes(60));
        new
    };
    let start = Instant::now();
    let asks = (0..9_800).map(|at| bench.lab.create_lease(long(at)));
    let leases = futures_util::future::join_all(asks).await;
    let took = start.elapsed();
    println!(
        "9,800 more at once: {took:?}, {:.0}/s",
        9_800.0 / took.as_secs_f64()
    );
    let mut active: Vec<_> = leases
        .into_iter()
        .map(Result::unwrap)
        .filter(|lease| lease.state == LeaseState::Active)
        .collect();
    assert_eq!(active.len(), 800);
    let mut times = Vec::new();
    for lease in active.drain(..100) {
        let start = Instant::now();
        bench.release(&lease).await;
        times.push(start.elapsed());
    }
    println!(
        "release, so that the next begins, 9,000 wait: {}",
        spread(times)
    );
    let mut times = Vec::new();
    for lease in active.drain(..100) {
        let update = LeaseUpdate {
            duration: Some(minutes(90)),
            ..LeaseUpdate::default()
        };
        let start = Instant::now();
        bench
            .lab
            .update_lease(lease.key.clone(), None, update)
            .await
            .unwrap();
        times.push(start.elapsed());
    }
    println!("update, 9,000 wait: {}", spread(times));
    let start = Instant::now();
    let turns = active.chunks(75).map(|leases| {
        let bench = &bench;
        async move {
            for lease in leases {
                bench.release(lease).await;
            }
        }
    });
    let count = active.len();
    futures_util::future::join_all(turns).await;
    let took = start.elapsed();
    println!(
        "8 clients release {count}, so that the next begin: {:.0}/s",
        count as f64 / took.as_secs_f64()
    );
    let (_exporter, _there) = bench.exporter("free", "board=free").await;
    let start = Instant::now();
    let lease = bench.lease("alice", "board=free").await;
    assert_eq!(lease.state, LeaseState::Active);
    println!(
        "create to Ready, 9,000 wait for others: {:?}",
        start.elapsed()
    );
    let start = Instant::now();
    let bench = bench.again().await;
    println!("stop and start with 10,000 open: {:?}", start.elapsed());
    drop(bench);
}

/// Without a database: a thousand exporters are leased, nine thousand leases wait, one is released.
#[test]
#[ignore = "prints figures"]
fn decisions_about_ten_thousand_leases() {
    use crate::lab::state::State;
    use crate::model::samples::{exporter, lease, policy, rule};
    use crate::model::{Client, ExporterRef, Uid};
    use crate::schedule::Decision;
    for (what, different, policies) in [
        ("20 selectors", 20, 0),
        ("20 selectors, 100 clients, 50 rules", 20, 50),
        ("9,000 selectors, 100 clients, 50 rules", 9_000, 50),
    ] {
        let mut state = State::of(&Default::default());
        for at in 0..1000 {
            let text = format!("board=b{},rack=r{at}", at % 20);
            state.apply(&Change::Exporter(Arc::new(exporter(
                &format!("e{at:03}"),
                &text,
            ))));
        }
        for at in 0..100 {
            let name = format!("client-{at}");
            state.apply(&Change::Client(Arc::new(Client {
                uid: crate::model::samples::uid(&name),
                key: key(&name),
                labels: labels(&format!("team=t{}", at % 50)),
                username: None,
                migrated: None,
                provisioned: false,
                generation: 1,
                created: Time(0),
            })));
        }
        if policies > 0 {
            let rules = (0..policies).map(|at| rule(&format!("team=t{at}"), at % 3));
            state.apply(&Change::Policy(Arc::new(policy("", rules.collect()))));
        }
        let waits = |at: usize| {
            let extra = match different {
                20 => String::new(),
                _ => format!(",rack!=x{at}"),
            };
            let mut lease = lease(&format!("l{at}"), &format!("board=b{}{extra}", at % 20));
            lease.owner = format!("client-{}", at % 100);
            lease.eligible_since = Some(Time(at as i64));
            Change::Lease(Arc::new(lease))
        };
        let start = Instant::now();
        for at in 0..10_000 {
            state.apply(&waits(at));
        }
        println!("{what}: 10,000 come: {:?}", start.elapsed());
        let mut began = 0;
        let mut grant = |state: &mut State, decision: Decision| {
            let Decision::Grant {
                lease, exporter, ..
            } = decision
            else {
                panic!("{decision:?}");
            };
            let mut lease = Lease::clone(state.leases.get(lease).unwrap());
            lease.state = LeaseState::Active;
            began += 1;
            lease.began = Some(Time(began));
            lease.exporter = Some(ExporterRef {
                uid: exporter,
                name: String::new(),
            });
            state.apply(&Change::Lease(Arc::new(lease)));
        };
        let start = Instant::now();
        let decisions = state.decide("lab");
        println!(
            "{what}: the first decision, everything anew: {:?}",
            start.elapsed()
        );
        assert_eq!(decisions.len(), 1000);
        let mut served: std::collections::VecDeque<Uid> = Default::default();
        for decision in decisions {
            if let Decision::Grant { lease, .. } = &decision {
                served.push_back(*lease);
            }
            grant(&mut state, decision);
        }
        let seen = state.clone();
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..5_000 {
            let start = Instant::now();
            let mut lease = Lease::clone(state.leases.get(served.pop_front().unwrap()).unwrap());
            lease.state = LeaseState::Ended;
            state.apply(&Change::Lease(Arc::new(lease)));
            for decision in state.decide("lab") {
                if let Decision::Grant { lease, .. } = &decision {
                    served.push_back(*lease);
                }
                grant(&mut state, decision);
            }
            times.push(start.elapsed());
        }
        let rate = 5_000.0 / start.elapsed().as_secs_f64();
        println!(
            "{what}: given back and to the next: {rate:.0}/s, {}",
            spread(times)
        );
        let waiting: Vec<_> = seen
            .leases
            .iter()
            .filter(|lease| lease.exporter.is_none())
            .collect();
        let mut times = Vec::new();
        for lease in waiting.iter().take(1000) {
            let start = Instant::now();
            assert!(seen.queue_position(lease).is_some());
            times.push(start.elapsed());
        }
        println!(
            "{what}: a place in a queue of {}: {}",
            waiting.len(),
            spread(times)
        );
    }
}

#[tokio::test]
#[ignore = "prints figures; writes a gigabyte"]
async fn a_million_leases_that_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("lab.db")).unwrap();
    let exporters: Vec<_> = (0..1000)
        .map(|at| crate::model::samples::exporter(&format!("e{at}"), "board=x"))
        .collect();
    let made = exporters
        .iter()
        .map(|exporter| Change::Exporter(Arc::new(exporter.clone())));
    store.commit(made.collect()).await.unwrap();
    let sample = crate::model::samples::lease("x", "board=x");
    for round in 0..100 {
        let changes = (0..10_000).flat_map(|at| {
            let number = round * 10_000 + at;
            let exporter = &exporters[number % 1000];
            let time = Time(1_700_000_000_000_000 + number as i64);
            let lease = Lease {
                uid: crate::model::Uid::random(),
                key: key(&format!("{number:07}")),
                state: LeaseState::Ended,
                began: Some(time),
                ended: Some(time),
                end_reason: Some(EndReason::Released),
                exporter: Some(crate::model::ExporterRef {
                    uid: exporter.uid,
                    name: exporter.key.name.clone(),
                }),
                ..sample.clone()
            };
            let event = Event {
                at: time,
                actor: "lab".to_owned(),
                what: "LeaseReleased",
                kind: "lease",
                object: lease.key.clone(),
                detail: String::new(),
            };
            [Change::Lease(Arc::new(lease)), Change::Audit(event)]
        });
        store.commit(changes.collect()).await.unwrap();
    }
    drop(store);
    let size = std::fs::metadata(folder.path().join("lab.db"))
        .unwrap()
        .len();
    println!("the file: {} MB", size >> 20);
    for _ in 0..3 {
        let start = Instant::now();
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        let (lab, running) = Lab::open(store).await.unwrap();
        assert_eq!(lab.census().exporters.all, 1000);
        println!("start: {:?}", start.elapsed());
        drop(lab);
        running.ended().await;
    }
    let store = Store::open(folder.path().join("lab.db")).unwrap();
    let mut times = Vec::new();
    for _ in 0..100 {
        let start = Instant::now();
        store.forget(Default::default(), Time::now()).await.unwrap();
        times.push(start.elapsed());
    }
    println!("forgetting 100 leases and 100 records: {}", spread(times));
}
