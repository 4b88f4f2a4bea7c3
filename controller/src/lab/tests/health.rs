//! A lab that hangs, one whose task has died, and one that cannot write any more.

use std::sync::Barrier;

use super::super::step::Step;
use super::*;

/// Keeps the lab busy from when another task comes to the barrier until that comes again.
struct Hang(Arc<Barrier>);

impl Command for Hang {
    type Answer = ();

    fn carry_out(self, _: &mut Step<'_>) -> Result<(), LabError> {
        self.0.wait();
        self.0.wait();
        Ok(())
    }
}

struct Panic;

impl Command for Panic {
    type Answer = ();

    fn carry_out(self, _: &mut Step<'_>) -> Result<(), LabError> {
        panic!("as it was told to");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lab_that_hangs_is_found_out() {
    let bench = Bench::new().await;
    bench.lab.answers(PATIENCE).await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let (lab, hang) = (bench.lab.clone(), Hang(Arc::clone(&barrier)));
    let hanging = tokio::spawn(async move { lab.change(hang).await });
    let come = async || {
        let barrier = Arc::clone(&barrier);
        tokio::task::spawn_blocking(move || barrier.wait())
            .await
            .unwrap();
    };
    come().await;
    let late = bench.lab.answers(short()).await;
    assert!(matches!(late, Err(LabError::Busy)), "{late:?}");
    come().await;
    hanging.await.unwrap().unwrap();
    bench.lab.answers(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_lab_whose_task_has_died_is_over() {
    let bench = Bench::new().await;
    let died = bench.lab.change(Panic).await;
    assert!(matches!(died, Err(LabError::Stopping)));
    bench.lab.over().await;
    let answers = bench.lab.answers(PATIENCE).await;
    assert!(matches!(answers, Err(LabError::Stopping)));
    // What was on the disk can be read.
    bench.lab.lease(&key("x")).await.unwrap();
    drop(bench.lab);
    bench.running.ended().await;
}

#[tokio::test]
async fn a_lab_that_cannot_write_any_more_is_over() {
    let bench = Bench::new().await;
    let store = bench.lab.store().without_writer();
    let (lab, running) = Lab::open(store).await.unwrap();
    lab.answers(PATIENCE).await.unwrap();
    let new = NewClient {
        key: key("alice"),
        labels: Labels::new(),
        username: None,
        migrated: None,
        provisioned: false,
    };
    let refused = lab.create_client(new, ADMIN).await.unwrap_err();
    assert!(matches!(refused, LabError::Store(_)), "{refused}");
    lab.over().await;
    assert!(lab.client(&key("alice")).is_none());
    running.ended().await;
}

#[tokio::test]
async fn no_client_has_more_leases_than_it_may() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    bench.client("bob").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    bench.lab.limit_leases(2);
    let first = bench.lease("alice", "board=x").await;
    bench.lease("alice", "board=x").await;
    let refused = bench.lab.create_lease(wanted("alice", "board=x")).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "client alice has 2 open leases, and may have no more; end some of them first"
    );
    let theirs = bench.lease("bob", "board=x").await;
    // One that is handed over counts for whoever has it then.
    let update = LeaseUpdate {
        owner: Some("bob".to_owned()),
        ..LeaseUpdate::default()
    };
    let by = Some("alice".to_owned());
    let handed = bench.lab.update_lease(first.key.clone(), by, update);
    handed.await.unwrap();
    bench.lease("alice", "board=x").await;
    assert!(
        bench
            .lab
            .create_lease(wanted("bob", "board=x"))
            .await
            .is_err()
    );
    // It is so after a new start.
    let bench = bench.again().await;
    bench.lab.limit_leases(2);
    assert!(
        bench
            .lab
            .create_lease(wanted("bob", "board=x"))
            .await
            .is_err()
    );
    bench.release(&theirs).await;
    bench.lease("bob", "board=x").await;
}
