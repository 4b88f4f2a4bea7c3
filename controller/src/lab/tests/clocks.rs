//! The wall clock is set forward and back.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::lab::clock::{Clock, Moment};

const DAY: i64 = 24 * 60 * 60;

/// Both clocks, in microseconds, for tests to set.
#[derive(Debug)]
pub(super) struct Clocks {
    wall: AtomicI64,
    steady: AtomicI64,
}

/// A lab with an exporter that alice has leased for a minute.
struct Lent {
    bench: Bench,
    clocks: Arc<Clocks>,
    exporter: Arc<Exporter>,
    present: Present,
    lease: Arc<Lease>,
}

// === impl Clocks ===

impl Clocks {
    pub(super) fn at(wall: i64) -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicI64::new(wall),
            steady: AtomicI64::new(0),
        })
    }

    pub(super) fn now(&self) -> Moment {
        Moment {
            wall: Time(self.wall.load(Ordering::Relaxed)),
            steady: Duration::from_micros(self.steady.load(Ordering::Relaxed).unsigned_abs()),
        }
    }

    /// This many seconds go by.
    pub(super) fn pass(&self, seconds: i64) {
        self.steady
            .fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        self.set(seconds);
    }

    /// The wall clock is set forward, or back.
    pub(super) fn set(&self, seconds: i64) {
        self.wall.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

// === impl Bench ===

impl Bench {
    /// A lab whose clocks go only when a test moves them.
    pub(super) async fn at(folder: TempDir, clocks: &Arc<Clocks>) -> Self {
        let clocks = Arc::clone(clocks);
        let clock: Clock = Arc::new(move || clocks.now());
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        let (lab, running) = Lab::open_at(store, clock).await.unwrap();
        Self {
            lab,
            running,
            folder,
        }
    }
}

// === impl Lent ===

impl Lent {
    async fn new() -> Self {
        let clocks = Clocks::at(1_700_000_000_000_000);
        let bench = Bench::at(tempfile::tempdir().unwrap(), &clocks).await;
        bench.client("alice").await;
        let (exporter, present) = bench.exporter("a", "board=x").await;
        let lease = bench.lease("alice", "board=x").await;
        assert_eq!(lease.state, LeaseState::Active);
        Self {
            bench,
            clocks,
            exporter,
            present,
            lease,
        }
    }

    /// The lease after the next command, which makes the lab look at its clocks.
    async fn now(&self) -> Arc<Lease> {
        let nobody = self.bench.lab.delete_client(key("nobody"), ADMIN);
        nobody.await.unwrap_err();
        self.bench.now(&self.lease).await
    }

    async fn is_active_until(&self, seconds: i64) {
        self.clocks.pass(seconds - 1);
        assert_eq!(self.now().await.state, LeaseState::Active);
        self.clocks.pass(1);
        let lease = self.now().await;
        assert_eq!(lease.end_reason, Some(EndReason::Expired));
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_lease_longer_or_shorter() {
    for back in [3600, DAY, 73 * 365 * DAY] {
        let lent = Lent::new().await;
        let waiting = lent.bench.lease("alice", "board=x").await;
        lent.clocks.pass(10);
        lent.clocks.set(-back);
        lent.is_active_until(50).await;
        let ended = lent.now().await;
        assert_eq!(ended.ended, ended.end(), "as its client was told");
        let next = lent.bench.now(&waiting).await;
        assert_eq!(next.state, LeaseState::Active, "and the next has its turn");
    }
}

#[tokio::test]
async fn a_lease_made_longer_after_the_clock_was_set_back_gets_just_that() {
    let lent = Lent::new().await;
    lent.clocks.pass(10);
    lent.clocks.set(-DAY);
    let longer = LeaseUpdate {
        duration: Some(minutes(3)),
        ..LeaseUpdate::default()
    };
    let updated = lent
        .bench
        .lab
        .update_lease(lent.lease.key.clone(), None, longer);
    updated.await.unwrap();
    lent.clocks.pass(100);
    let shorter = LeaseUpdate {
        duration: Some(minutes(2)),
        ..LeaseUpdate::default()
    };
    let updated = lent
        .bench
        .lab
        .update_lease(lent.lease.key.clone(), None, shorter);
    updated.await.unwrap();
    lent.is_active_until(10).await;
}

#[tokio::test]
async fn who_starts_with_a_clock_that_was_set_back_keeps_no_lease_for_long() {
    let mut lent = Lent::new().await;
    let Bench {
        lab,
        running,
        folder,
    } = lent.bench;
    drop((lab, lent.present));
    running.ended().await;
    lent.clocks.set(-DAY);
    lent.bench = Bench::at(folder, &lent.clocks).await;
    lent.present = lent.bench.lab.arrive(lent.exporter.uid).await.unwrap();
    // How much of its minute was left, nobody knows any more.
    lent.is_active_until(60).await;
}

#[tokio::test]
async fn a_clock_that_is_set_forth_ends_what_is_over_and_nobody_has_to_ask() {
    let lent = Lent::new().await;
    let mut states = lent.bench.lab.watch(lent.exporter.uid);
    lent.clocks.set(DAY);
    states
        .wait_for(|state| state.assignment.is_none())
        .await
        .unwrap();
    let lease = lent.bench.now(&lent.lease).await;
    assert_eq!(lease.end_reason, Some(EndReason::Expired));
}

#[tokio::test]
async fn a_lease_until_a_time_of_day_goes_by_the_clock_on_the_wall() {
    let lent = Lent::new().await;
    lent.bench.release(&lent.lease).await;
    let now = lent.clocks.now().wall;
    let mut new = wanted("alice", "board=x");
    new.wish = Wish {
        begin: Some(now.after(Duration::from_secs(30))),
        end: Some(now.after(Duration::from_secs(90))),
        duration: None,
    };
    let lease = lent.bench.lab.create_lease(new).await.unwrap();
    lent.clocks.set(-DAY);
    lent.clocks.pass(100);
    let lent = Lent { lease, ..lent };
    assert_eq!(lent.now().await.state, LeaseState::Scheduled);
    lent.clocks.set(DAY - 60);
    assert_eq!(lent.now().await.state, LeaseState::Active);
    lent.is_active_until(50).await;
}

#[tokio::test]
async fn signs_of_life_do_not_go_by_the_clock_on_the_wall() {
    for set in [-DAY, DAY] {
        let lent = Lent::new().await;
        drop(lent.present);
        let mut states = lent.bench.lab.watch(lent.exporter.uid);
        lent.clocks.set(set);
        lent.bench.client("bob").await;
        assert!(states.borrow_and_update().online, "{set}");
        // Only now: the thread that writes does not live by this clock.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        states.wait_for(|state| !state.online).await.unwrap();
    }
}
