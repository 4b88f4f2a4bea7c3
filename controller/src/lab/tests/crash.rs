//! What has been answered is on the disk, and what was not written has not happened.

use super::*;

#[tokio::test]
async fn everything_is_there_again() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let waiting = bench.lease("alice", "board=x").await;
    let before = bench.now(&waiting).await;
    let known = bench.lab.exporter(&exporter.key).unwrap();
    let bench = bench.again().await;
    assert_eq!(bench.now(&lease).await, lease);
    assert_eq!(bench.now(&waiting).await, before);
    let again = bench.lab.exporter(&exporter.key).unwrap();
    assert_eq!(
        Exporter {
            last_seen: None,
            ..Exporter::clone(&again)
        },
        *known
    );
    assert!(again.last_seen.is_some(), "as of the end");
    let sight = bench.lab.watch(exporter.uid).borrow().clone();
    assert_eq!(sight.assignment.unwrap().lease, lease.key.name);
    assert!(sight.online, "it gets time to come back");
    drop(present);
}

#[tokio::test]
async fn a_lease_that_ended_while_nobody_was_there_ends_at_the_start() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let mut new = wanted("alice", "board=x");
    new.wish.duration = Some(Length { micros: 30_000 });
    let lease = bench.lab.create_lease(new).await.unwrap();
    let Bench {
        lab,
        running,
        folder,
    } = bench;
    drop(lab);
    running.ended().await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let bench = Bench::open(folder).await;
    let query = || LeaseQuery {
        namespace: "lab".to_owned(),
        ..LeaseQuery::default()
    };
    // The first thing the lab does, and a command comes after it.
    bench.client("bob").await;
    assert!(bench.lab.leases(query()).await.unwrap().is_empty());
    assert_eq!(bench.now(&lease).await.end_reason, Some(EndReason::Expired));
}

#[tokio::test]
async fn what_the_disk_refuses_has_not_happened() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    // Somebody else writes for so long that our writer gives up.
    let path = bench.lab.store().path().to_owned();
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("DROP TABLE audit").unwrap();
    let refused = bench.lab.create_lease(wanted("alice", "board=x")).await;
    assert!(matches!(refused, Err(LabError::Store(_))), "{refused:?}");
    assert_eq!(bench.lab.lease_on(exporter.uid), None);
    let report = bench
        .lab
        .report(exporter.uid, reported(ExporterStatus::Available), false);
    report.await.unwrap();
    other
        .execute_batch(
            "CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER, actor TEXT, what TEXT, kind TEXT, \
             namespace TEXT, name TEXT, detail TEXT)",
        )
        .unwrap();
    let lease = bench.lease("alice", "board=x").await;
    assert_eq!(lease.state, LeaseState::Active, "and afterwards it goes on");
}
