//! The task that changes the lab.
//!
//! ```text
//!  commands ─► up to 256 at once ─► working state ─► one transaction ─► published state ─► answers
//!                                        ▲               │                              └► watchers
//!      what is due, what is silent ──────┘               └─ failed: working state made anew
//! ```

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use super::census::Tally;
use super::presence::Presence;
use super::state::State;
use super::step::{Done, Job, Step};
use super::watch::Watchers;
use super::{LabError, clock, exporters, publish, queue};
use crate::model::Time;
use crate::store::{Change, Store, StoreError};

/// No more commands than this share a transaction.
const BATCH: usize = 256;
/// How often silence is looked for.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// How often the database learns who is there.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);
/// The clock may be set back while the lab sleeps, so it never sleeps for longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What the task works with.
pub(super) struct Work {
    pub(super) jobs: mpsc::Receiver<Box<dyn Job>>,
    pub(super) store: Store,
    pub(super) working: State,
    pub(super) published: Arc<RwLock<State>>,
    pub(super) presence: Presence,
    pub(super) watchers: Watchers,
    pub(super) tally: Tally,
}

// === impl Work ===

impl Work {
    /// Runs until nobody can send commands any more.
    pub(super) async fn run(mut self) {
        let mut listen = interval(LISTEN_EVERY);
        let mut remember = interval(REMEMBER_EVERY);
        // The first of both comes at once.
        let mut wake = self.batch(Vec::new()).await;
        loop {
            let mut jobs = Vec::new();
            tokio::select! {
                count = self.jobs.recv_many(&mut jobs, BATCH) => if count == 0 {
                    break;
                },
                () = sleep_until(wake) => {}
                _ = listen.tick() => if self.presence.silent().is_empty() {
                    continue;
                },
                _ = remember.tick() => {
                    self.remember().await;
                    continue;
                }
            }
            wake = self.batch(jobs).await;
        }
        self.remember().await;
    }

    /// Carries out these commands and whatever is due; says when something is due next.
    async fn batch(&mut self, jobs: Vec<Box<dyn Job>>) -> Instant {
        let mut step = Step::new(&mut self.working, Time::now());
        exporters::fall_silent(&mut step, &self.presence);
        clock::tick(&mut step);
        let answers: Vec<Box<dyn Done>> = jobs
            .into_iter()
            .map(|job| job.carry_out(&mut step))
            .collect();
        queue::serve(&mut step);
        let sleep = clock::next(&step).map_or(LONGEST_SLEEP, |due| due.since(step.now));
        let changes = std::mem::take(&mut step.changes);
        let committed = self.commit(changes).await;
        for answer in answers {
            answer.settle(committed.clone());
        }
        Instant::now() + sleep.min(LONGEST_SLEEP)
    }

    async fn commit(&mut self, changes: Vec<Change>) -> Result<(), LabError> {
        if !changes.is_empty() {
            let changes: Arc<[Change]> = changes.into();
            if let Err(error) = self.store.commit(Arc::clone(&changes)).await {
                return Err(self.start_over(error).await);
            }
            self.tally.count(&changes);
            publish(&self.published, &self.working, &changes);
            let published = super::read(&self.published);
            self.watchers.tell(&published, &changes);
        } else {
            publish(&self.published, &self.working, &[]);
        }
        Ok(())
    }

    /// Forgets what did not reach the disk.
    async fn start_over(&mut self, error: StoreError) -> LabError {
        tracing::error!(%error, "a change did not reach the database");
        match self.store.load().await {
            Ok(loaded) => self.working = State::of(&loaded),
            Err(again) => {
                tracing::error!(error = %again, "the database cannot be read either");
                // What was published is what the database had.
                self.working = super::read(&self.published).clone();
            }
        }
        LabError::Store(Arc::new(error))
    }

    async fn remember(&mut self) {
        let seen = self.presence.seen();
        if seen.is_empty() {
            return;
        }
        let changes: Arc<[Change]> = [Change::Seen(seen)].into();
        if let Err(error) = self.store.commit(changes).await {
            tracing::warn!(%error, "the last signs of life of exporters did not reach the database");
        }
    }
}
