//! Which leases wait, and for what.

use super::*;
use crate::schedule::Waiting;

#[tokio::test]
async fn the_next_in_the_queue_gets_what_is_given_back() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let first = bench.lease("alice", "board=x").await;
    let second = bench.lease("alice", "board=x").await;
    let third = bench.lease("alice", "board=x").await;
    assert_eq!(
        condition(&second, ConditionType::Pending),
        Some((true, "NotAvailable"))
    );
    let (_, position) = bench.lab.queue_position(&third).unwrap();
    assert_eq!(
        (
            position.matching,
            position.online,
            position.free,
            position.ordinal
        ),
        (1, 1, 0, 2)
    );
    // A real one says that it is busy, and the next has to wait for the end of its hook.
    bench.report(&exporter, ExporterStatus::LeaseReady).await;
    bench.release(&first).await;
    let (why, _) = bench.lab.queue_position(&second).unwrap();
    assert_eq!(why, Waiting::NotReady, "as it looks now");
    bench.report(&exporter, ExporterStatus::Available).await;
    assert_eq!(bench.now(&second).await.state, LeaseState::Active);
    let (_, position) = bench.lab.queue_position(&third).unwrap();
    assert_eq!(position.ordinal, 1);
    let kinds = bench.now(&second).await;
    let kinds: Vec<_> = kinds
        .conditions
        .iter()
        .map(|condition| condition.kind)
        .collect();
    assert_eq!(
        kinds,
        [ConditionType::Pending, ConditionType::Ready],
        "Ready is the last"
    );
}

#[tokio::test]
async fn what_cannot_be_had_ends_at_once() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let lease = bench.lease("alice", "board=x").await;
    assert_eq!(lease.end_reason, Some(EndReason::Unsatisfiable));
    assert_eq!(
        condition(&lease, ConditionType::Unsatisfiable),
        Some((true, "NoAccess"))
    );
    assert_eq!(condition(&lease, ConditionType::Ready), None);
    assert_eq!(lease.began, None);
}

#[tokio::test]
async fn policies_count_from_the_next_decision_on() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let waiting = bench.lease("alice", "board=x").await;
    let nobody = NewPolicy {
        key: key("nobody"),
        exporters: "".parse().unwrap(),
        rules: vec![],
    };
    bench.lab.apply_policy(nobody, ADMIN).await.unwrap();
    assert_eq!(bench.now(&lease).await.state, LeaseState::Active);
    assert_eq!(
        bench.now(&waiting).await.end_reason,
        Some(EndReason::Unsatisfiable)
    );
    let longer = LeaseUpdate {
        duration: Some(minutes(60)),
        ..LeaseUpdate::default()
    };
    let by = Some("alice".to_owned());
    let refused = bench
        .lab
        .update_lease(lease.key.clone(), by, longer)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no policy allows the exporter a for 1h0m0s"
    );
    bench.lab.delete_policy(key("nobody"), ADMIN).await.unwrap();
    bench.release(&lease).await;
    assert_eq!(
        bench.lease("alice", "board=x").await.state,
        LeaseState::Active
    );
}

#[tokio::test]
async fn many_who_ask_at_once_get_one_each() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let mut present = Vec::new();
    for at in 0..10 {
        present.push(bench.exporter(&format!("e{at}"), "board=x").await);
    }
    let asks = (0..200).map(|_| bench.lab.create_lease(wanted("alice", "board=x")));
    let leases = futures_util::future::join_all(asks).await;
    let held: std::collections::HashSet<_> = leases
        .iter()
        .filter_map(|lease| lease.as_ref().unwrap().exporter.clone())
        .map(|exporter| exporter.name)
        .collect();
    let active = leases
        .iter()
        .filter(|lease| lease.as_ref().unwrap().state == LeaseState::Active);
    assert_eq!((held.len(), active.count()), (10, 10));
    let bench = bench.again().await;
    let query = LeaseQuery {
        namespace: "lab".to_owned(),
        ..LeaseQuery::default()
    };
    assert_eq!(bench.lab.leases(query).await.unwrap().len(), 200);
}

#[tokio::test]
async fn two_namespaces_know_nothing_of_each_other() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let elsewhere = || NewLease {
        namespace: "elsewhere".to_owned(),
        ..wanted("alice", "board=x")
    };
    let nobody = bench.lab.create_lease(elsewhere()).await.unwrap_err();
    assert!(matches!(nobody, LabError::NotFound { .. }), "{nobody}");
    let new = NewClient {
        key: Key::new("elsewhere", "alice"),
        labels: Labels::new(),
        username: None,
        migrated: None,
        provisioned: false,
    };
    bench.lab.create_client(new, ADMIN).await.unwrap();
    let lease = bench.lab.create_lease(elsewhere()).await.unwrap();
    assert_eq!(lease.end_reason, Some(EndReason::Unsatisfiable));
}

#[tokio::test]
async fn who_comes_later_is_served_later_even_at_the_same_moment() {
    let folder = tempfile::tempdir().unwrap();
    let clocks = clocks::Clocks::at(1_000_000_000);
    let bench = Bench::at(folder, &clocks).await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let _first = bench.lease("alice", "board=x").await;
    let asks = (0..20).map(|_| bench.lab.create_lease(wanted("alice", "board=x")));
    let mut waiting = futures_util::future::join_all(asks).await;
    // The clock is set back, and nobody gains by it.
    clocks.set(-999);
    waiting.push(bench.lab.create_lease(wanted("alice", "board=x")).await);
    let Bench {
        lab,
        running,
        folder,
    } = bench;
    drop(lab);
    running.ended().await;
    let bench = Bench::at(folder, &clocks).await;
    waiting.push(bench.lab.create_lease(wanted("alice", "board=x")).await);
    let positions = waiting.iter().map(|lease| {
        let (_, position) = bench.lab.queue_position(lease.as_ref().unwrap()).unwrap();
        position.ordinal
    });
    assert!(positions.eq(1..=22), "in the order in which they came");
}

#[tokio::test]
async fn who_waits_for_an_exporter_that_is_deleted_waits_no_longer() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    bench.report(&exporter, ExporterStatus::Offline).await;
    let waiting = bench.lease("alice", "board=x").await;
    assert_eq!(waiting.state, LeaseState::Pending);
    let deleted = bench.lab.delete_exporter(exporter.key.clone(), ADMIN);
    deleted.await.unwrap();
    let ended = bench.now(&waiting).await;
    assert_eq!(ended.end_reason, Some(EndReason::Unsatisfiable));
}
