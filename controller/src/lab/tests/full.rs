//! A disk that is full for a while.

use std::process::Command as Program;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};

use super::*;

const FOLDER: &str = "LAB_ON_A_FULL_DISK";

/// The largest size of any file: to a database this is like a full disk.
fn limit(bytes: u64) {
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, bytes.min(most), most).unwrap();
}

/// Started by the test below, as the limit holds for a whole process.
#[test]
#[ignore = "runs in a process of its own"]
fn lives_on_a_disk_that_is_full_for_a_while() {
    if std::env::var_os(FOLDER).is_none() {
        return;
    }
    // Threads that are started from here on are not killed for what they write.
    let mut full = SigSet::empty();
    full.add(Signal::SIGXFSZ);
    full.thread_block().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(story());
}

async fn story() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (a, _present) = bench.exporter("a", "board=x").await;
    let (_b, _also_present) = bench.exporter("b", "board=y").await;
    let short = NewLease {
        wish: Wish {
            duration: Some(Length { micros: 300_000 }),
            ..Wish::default()
        },
        ..wanted("alice", "board=x")
    };
    let ends = bench.lab.create_lease(short).await.unwrap();
    let kept = bench.lease("alice", "board=y").await;
    let next = bench.lease("alice", "board=x").await;
    let journal = bench.lab.store().path().with_extension("db-wal");
    limit(journal.metadata().unwrap().len() + 50_000);
    let mut made = Vec::new();
    let refused = loop {
        match bench.lab.create_lease(wanted("alice", "board=y")).await {
            Ok(lease) => made.push(lease),
            Err(refused) => break refused,
        }
    };
    assert!(!made.is_empty(), "it was not full at once");
    assert!(matches!(refused, LabError::Store(_)), "{refused}");
    assert!(refused.to_string().contains("disk"), "{refused}");
    // A lease is over, another is given back, an exporter says something; nothing can be written.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let by = By::Client("alice".to_owned());
    let released = bench.lab.release_lease(kept.key.clone(), by.clone()).await;
    assert!(matches!(released, Err(LabError::Store(_))), "{released:?}");
    let said = reported(ExporterStatus::AfterLeaseHook);
    let report = bench.lab.report(a.uid, said, true).await;
    assert!(matches!(report, Err(LabError::Store(_))), "{report:?}");
    for lease in [&ends, &kept] {
        let seen = bench.now(lease).await;
        assert_eq!(seen.state, LeaseState::Active, "so it has not ended");
    }
    assert_eq!(bench.lab.lease_on(a.uid).unwrap().uid, ends.uid);
    assert_eq!(bench.now(&next).await.state, LeaseState::Pending);
    // Somebody makes room, and nobody asks for anything.
    let mut states = bench.lab.watch(a.uid);
    limit(u64::MAX);
    let served = |state: &ExporterState| {
        let assignment = state.assignment.as_ref();
        assignment.is_some_and(|assignment| assignment.uid == next.uid)
    };
    states.wait_for(served).await.unwrap();
    assert_eq!(bench.now(&ends).await.end_reason, Some(EndReason::Expired));
    bench.release(&kept).await;
    // What was said to be done is there, and nothing else.
    let bench = bench.again().await;
    let query = LeaseQuery {
        namespace: "lab".to_owned(),
        ended: true,
        ..LeaseQuery::default()
    };
    let all = bench.lab.leases(query).await.unwrap();
    assert_eq!(all.len(), 3 + made.len());
    for lease in made {
        assert!(bench.lab.lease(&lease.key).await.unwrap().is_some());
    }
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing_that_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let test = "lab::tests::full::lives_on_a_disk_that_is_full_for_a_while";
    let output = Program::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("1 passed"), "{said}");
}
