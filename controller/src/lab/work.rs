//! The task that changes the lab.
//!
//! ```text
//!  commands ─► up to 256 at once ─► working state ─► one transaction ─► published state ─► answers
//!                                        ▲               │                              └► watchers
//!      what is due, what is silent ──────┘               └─ failed: working state made anew
//! ```

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use super::alarms::Alarms;
use super::census::Tally;
use super::clock::{Clock, Moment};
use super::presence::Presence;
use super::state::State;
use super::step::{Ended, Job, Step, Uncommitted};
use super::watch::Watchers;
use super::{LabError, clock, exporters, publish, queue};
use crate::store::{Change, Retention, Store, StoreError};

/// How many commands share a transaction at most.
const BATCH: usize = 256;
/// How often silent exporters are looked for.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// How often the database is told when exporters were last heard of.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);
/// The longest sleep, since the wall clock may be set while the lab sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How often there is a look for old records to delete.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// If the wall clock has gained this much since the start, it was wrong, then or now.
const MISTRUST: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause between two of many transactions that delete old records.
const TIDY_PAUSE: Duration = Duration::from_millis(250);

/// The lab's task.
pub(super) struct Work {
    pub(super) jobs: mpsc::Receiver<Box<dyn Job>>,
    pub(super) store: Store,
    pub(super) working: State,
    pub(super) published: Arc<RwLock<State>>,
    pub(super) presence: Presence,
    pub(super) watchers: Watchers,
    pub(super) tally: Tally,
    pub(super) clock: Clock,
    pub(super) alarms: Alarms,
    /// When the task started.
    pub(super) start: Moment,
    /// Whether the log has said that the wall clock is not to be trusted.
    pub(super) mistrusts: bool,
    pub(super) ended: Ended,
    pub(super) retention: Arc<RwLock<Retention>>,
    /// Whether the working state was loaded from the database, and its queues have not been served yet.
    pub(super) anew: bool,
    /// How many commits in a row have failed.
    pub(super) failures: u32,
    /// Whether the database is closed for good.
    pub(super) is_over: bool,
}

// === impl Work ===

impl Work {
    /// Runs until the last sender of commands is gone.
    pub(super) async fn run(mut self) {
        let mut listen = interval(LISTEN_EVERY);
        let mut remember = interval(REMEMBER_EVERY);
        let mut tidy = Instant::now() + REMEMBER_EVERY;
        // Serves the queues of the loaded state; the first ticks of both intervals come right after it.
        let mut wake = self.batch(Vec::new()).await;
        while !self.is_over {
            let mut jobs = Vec::new();
            tokio::select! {
                count = self.jobs.recv_many(&mut jobs, BATCH) => if count == 0 {
                    break;
                },
                () = sleep_until(wake) => {}
                _ = listen.tick() => if !self.is_called() {
                    continue;
                },
                _ = remember.tick() => {
                    self.remember().await;
                    continue;
                }
                () = sleep_until(tidy) => {
                    tidy = Instant::now() + self.tidy().await;
                    continue;
                }
            }
            wake = self.batch(jobs).await;
        }
        self.remember().await;
    }

    /// Carries out these commands and whatever is due; returns when to wake up next.
    async fn batch(&mut self, jobs: Vec<Box<dyn Job>>) -> Instant {
        let now = (self.clock)();
        let mut step = Step::new(&mut self.working, &self.ended, now.wall);
        if std::mem::take(&mut self.anew) {
            step.stir_all();
        }
        exporters::fall_silent(&mut step, &self.presence);
        clock::tick(&mut step, &self.alarms, now);
        let answers: Vec<Box<dyn Uncommitted>> = jobs
            .into_iter()
            .map(|job| job.carry_out(&mut step))
            .collect();
        queue::serve(&mut step);
        let (changes, ended) = (
            std::mem::take(&mut step.changes),
            std::mem::take(&mut step.ended),
        );
        let committed = self.commit(changes).await;
        if committed.is_ok() {
            self.ended.extend(ended);
        }
        for answer in answers {
            answer.settle(committed.clone());
        }
        let sleep = match self.failures {
            0 => clock::next(&self.working, &self.alarms, now).unwrap_or(LONGEST_SLEEP),
            // What was due and failed to commit is tried again, at growing intervals.
            failures => Duration::from_secs(1 << failures.min(5)),
        };
        Instant::now() + sleep.min(LONGEST_SLEEP)
    }

    /// Whether an exporter has fallen silent, or the wall clock was set forward.
    fn is_called(&self) -> bool {
        let due = |due| due <= (self.clock)().wall;
        self.failures == 0 && self.working.next_due().is_some_and(due)
            || !self.presence.silent().is_empty()
    }

    async fn commit(&mut self, changes: Vec<Change>) -> Result<(), LabError> {
        let changes: Arc<[Change]> = changes.into();
        if !changes.is_empty() {
            if let Err(error) = self.store.commit(Arc::clone(&changes)).await {
                return Err(self.start_over(error).await);
            }
            self.tally.count(&changes);
            self.alarms.follow(&changes, (self.clock)());
        }
        self.failures = 0;
        publish(&self.published, &self.working, &changes);
        let published = super::read(&self.published);
        self.watchers.tell(&published, &changes);
        Ok(())
    }

    /// Replaces the working state by the committed one after a failure.
    async fn start_over(&mut self, error: StoreError) -> LabError {
        tracing::error!(%error, "a change did not reach the database");
        // Without its writing thread the database cannot recover; a new start of the program can.
        self.is_over = matches!(error, StoreError::Closed);
        match self.store.load().await {
            Ok(loaded) => self.working = State::of(&loaded),
            Err(again) => {
                tracing::error!(error = %again, "the database cannot be read either");
                // The published state is what is committed.
                self.working = super::read(&self.published).clone();
            }
        }
        self.alarms
            .review(self.working.leases.iter(), (self.clock)());
        self.anew = true;
        self.failures += 1;
        LabError::Store(Arc::new(error))
    }

    /// Stores when exporters were last heard of.
    async fn remember(&mut self) {
        let seen = self.presence.seen();
        if !seen.is_empty() {
            let mut step = Step::new(&mut self.working, &self.ended, (self.clock)().wall);
            step.change(Change::Seen(seen));
            let changes = std::mem::take(&mut step.changes);
            // A failure has been logged already.
            drop(self.commit(changes).await);
        }
    }

    /// Deletes some of the old records; returns when to go on.
    async fn tidy(&mut self) -> Duration {
        let now = (self.clock)();
        if now.has_gained(self.start) > MISTRUST {
            // What a wrong clock deletes does not come back when it is set right.
            if !std::mem::replace(&mut self.mistrusts, true) {
                tracing::warn!(
                    "the clock was set forth by more than a day; nothing old is forgotten until the \
                     controller is started again"
                );
            }
            return TIDY_EVERY;
        }
        let now = now.wall;
        let retention = *self
            .retention
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let before = now.before(retention.credentials);
        let mut step = Step::new(&mut self.working, &self.ended, now);
        let credentials = step.state.credentials.values();
        let old: Vec<String> = credentials
            .filter(|credential| credential.expires < before)
            .map(|credential| credential.jti.clone())
            .collect();
        for jti in old {
            step.change(Change::NoCredential(jti));
        }
        let changes = std::mem::take(&mut step.changes);
        if self.commit(changes).await.is_err() {
            return TIDY_EVERY;
        }
        match self.store.forget(retention, now).await {
            Ok(true) => TIDY_PAUSE,
            Ok(false) => TIDY_EVERY,
            Err(error) => {
                tracing::warn!(%error, "leases that ended long ago are still in the database");
                TIDY_EVERY
            }
        }
    }
}
