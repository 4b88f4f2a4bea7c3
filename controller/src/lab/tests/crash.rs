//! Commands that were answered survive a crash, and changes that were not committed never happened.

use super::*;
use crate::model::samples;

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
    let state = bench.lab.watch(exporter.uid).borrow().clone();
    assert_eq!(state.assignment.unwrap().lease, lease.key.name);
    assert!(state.online, "it gets time to come back");
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

/// The database refuses every record until this is dropped.
struct Refusing(rusqlite::Connection);

impl Refusing {
    fn new(bench: &Bench) -> Self {
        Self::of(bench.lab.store())
    }

    fn of(store: &Store) -> Self {
        let connection = rusqlite::Connection::open(store.path()).unwrap();
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit \
                      BEGIN SELECT RAISE(ABORT, 'refused'); END";
        connection.execute_batch(refuse).unwrap();
        Self(connection)
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.0.execute_batch("DROP TRIGGER refuse").unwrap();
    }
}

#[tokio::test]
async fn what_the_disk_refuses_has_not_happened() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let refusing = Refusing::new(&bench);
    let refused = bench.lab.create_lease(wanted("alice", "board=x")).await;
    assert!(matches!(refused, Err(LabError::Store(_))), "{refused:?}");
    assert!(
        refused.unwrap_err().to_string().contains("; "),
        "with what to do"
    );
    assert_eq!(bench.lab.lease_on(exporter.uid), None);
    let report = bench
        .lab
        .report(exporter.uid, reported(ExporterStatus::Available), false);
    report.await.unwrap();
    drop(refusing);
    let lease = bench.lease("alice", "board=x").await;
    assert_eq!(lease.state, LeaseState::Active, "and afterwards it goes on");
}

#[tokio::test]
async fn a_refusal_that_is_due_to_something_refused_is_none() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let named = || NewLease {
        name: Some("mine".to_owned()),
        ..wanted("alice", "board=x")
    };
    let refusing = Refusing::new(&bench);
    let both = [
        bench.lab.create_lease(named()),
        bench.lab.create_lease(named()),
    ];
    for refused in futures_util::future::join_all(both).await {
        assert!(matches!(refused, Err(LabError::Store(_))), "{refused:?}");
    }
    drop(refusing);
    bench.lab.create_lease(named()).await.unwrap();
}

#[tokio::test]
async fn who_waits_is_told_his_place_after_a_start_and_after_a_refusal() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let _first = bench.lease("alice", "board=x").await;
    let waiting = bench.lease("alice", "board=x").await;
    let position = bench.lab.queue_position(&waiting);
    assert!(position.is_some());
    let bench = bench.again().await;
    // The first thing the lab does, and a command comes after it.
    bench.client("bob").await;
    assert_eq!(bench.lab.queue_position(&waiting), position);
    let refusing = Refusing::new(&bench);
    bench
        .lab
        .create_lease(wanted("alice", "board=x"))
        .await
        .unwrap_err();
    drop(refusing);
    bench.client("carol").await;
    assert_eq!(bench.lab.queue_position(&waiting), position);
}

#[tokio::test]
async fn a_lease_whose_end_the_disk_refused_ends_when_it_takes_it() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let mut states = bench.lab.watch(exporter.uid);
    let mut new = wanted("alice", "board=x");
    new.wish.duration = Some(Length { micros: 200_000 });
    let lease = bench.lab.create_lease(new).await.unwrap();
    let refusing = Refusing::new(&bench);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(bench.now(&lease).await.state, LeaseState::Active);
    drop(refusing);
    // Nobody asks for anything meanwhile.
    states
        .wait_for(|state| state.assignment.is_none())
        .await
        .unwrap();
    assert_eq!(bench.now(&lease).await.end_reason, Some(EndReason::Expired));
}

#[tokio::test]
async fn an_exporter_that_falls_silent_while_the_disk_refuses_is_not_forgotten() {
    let bench = Bench::new().await;
    let (exporter, present) = bench.exporter("a", "board=x").await;
    drop(present);
    let mut states = bench.lab.watch(exporter.uid);
    let refusing = Refusing::new(&bench);
    // Only now: the thread that writes does not live by this clock.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    for name in ["x", "y"] {
        let new = NewClient {
            key: key(name),
            labels: Labels::new(),
            username: None,
            migrated: None,
            provisioned: false,
        };
        bench.lab.create_client(new, ADMIN).await.unwrap_err();
    }
    assert!(bench.lab.exporter(&exporter.key).unwrap().online);
    drop(refusing);
    states.wait_for(|state| !state.online).await.unwrap();
}

#[tokio::test]
async fn a_name_that_was_taken_a_moment_ago_is_refused_to_him_alone() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let named = NewLease {
        name: Some("mine".to_owned()),
        ..wanted("alice", "board=x")
    };
    // Both have looked in the database before either has the name. It ends at once, as nobody has
    // such an exporter.
    let create = |new: NewLease| crate::lab::leases::Create {
        new,
        most_open: usize::MAX,
        actor: "client:lab/alice".to_owned(),
    };
    let looked = bench.lab.change(create(named.clone()));
    looked.await.unwrap();
    let late = bench.lab.change(create(named));
    let (late, other) = tokio::join!(late, bench.lab.create_lease(wanted("alice", "board=x")));
    assert!(matches!(late, Err(LabError::Exists { .. })), "{late:?}");
    other.unwrap();
}

#[tokio::test]
async fn a_queue_that_could_not_be_served_at_the_start_is_served_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("lab.db")).unwrap();
    let exporter = Arc::new(samples::exporter("a", "board=x"));
    let lease = samples::lease("1", "board=x");
    let there = [
        Change::Exporter(Arc::clone(&exporter)),
        Change::Lease(Arc::new(lease)),
    ];
    store.commit(there.into()).await.unwrap();
    let refusing = Refusing::of(&store);
    let (lab, _running) = Lab::open(store).await.unwrap();
    let mut states = lab.watch(exporter.uid);
    // The first thing the lab does, and a command comes after it.
    let nobody = lab.delete_client(key("nobody"), ADMIN).await;
    assert!(matches!(nobody, Err(LabError::Store(_))), "{nobody:?}");
    drop(refusing);
    // Nobody asks for anything any more.
    states
        .wait_for(|state| state.assignment.is_some())
        .await
        .unwrap();
}
