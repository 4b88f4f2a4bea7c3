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

/// No more commands than this share a transaction.
const BATCH: usize = 256;
/// How often silence is looked for.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// How often the database learns who is there.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);
/// The clock may be set back while the lab sleeps, so it never sleeps for longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How often it is seen whether there is something to forget.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// A clock that has gained so much since the start was wrong, then or now.
const MISTRUST: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two of many transactions that forget.
const TIDY_PAUSE: Duration = Duration::from_millis(250);

/// What the task works with.
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
    /// When it started.
    pub(super) start: Moment,
    /// It has been said that the clock is not to be trusted.
    pub(super) mistrusts: bool,
    pub(super) ended: Ended,
    pub(super) retention: Arc<RwLock<Retention>>,
    /// The working state comes from the database, and nobody has served its queues yet.
    pub(super) anew: bool,
    /// How many commits have failed since the last that did not.
    pub(super) failures: u32,
    /// Nothing will ever reach the database again.
    pub(super) is_over: bool,
}

// === impl Work ===

impl Work {
    /// Runs until nobody can send commands any more.
    pub(super) async fn run(mut self) {
        let mut listen = interval(LISTEN_EVERY);
        let mut remember = interval(REMEMBER_EVERY);
        let mut tidy = Instant::now() + REMEMBER_EVERY;
        // The first of both comes at once.
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

    /// Carries out these commands and whatever is due; says when something is due next.
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
            // What was due and did not reach the disk is tried again, less and less often.
            failures => Duration::from_secs(1 << failures.min(5)),
        };
        Instant::now() + sleep.min(LONGEST_SLEEP)
    }

    /// Whether an exporter has fallen silent, or the clock was set forth.
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

    /// Forgets what did not reach the disk.
    async fn start_over(&mut self, error: StoreError) -> LabError {
        tracing::error!(%error, "a change did not reach the database");
        // Without the thread that writes there is nothing to try again; a new start has another.
        self.is_over = matches!(error, StoreError::Closed);
        match self.store.load().await {
            Ok(loaded) => self.working = State::of(&loaded),
            Err(again) => {
                tracing::error!(error = %again, "the database cannot be read either");
                // What was published is what the database had.
                self.working = super::read(&self.published).clone();
            }
        }
        self.alarms
            .review(self.working.leases.iter(), (self.clock)());
        self.anew = true;
        self.failures += 1;
        LabError::Store(Arc::new(error))
    }

    /// Has the database know when exporters were last there.
    async fn remember(&mut self) {
        let seen = self.presence.seen();
        if !seen.is_empty() {
            let mut step = Step::new(&mut self.working, &self.ended, (self.clock)().wall);
            step.change(Change::Seen(seen));
            let changes = std::mem::take(&mut step.changes);
            // Why it failed has been said.
            drop(self.commit(changes).await);
        }
    }

    /// Forgets some of what need not be kept; says when to go on.
    async fn tidy(&mut self) -> Duration {
        let now = (self.clock)();
        if now.has_gained(self.start) > MISTRUST {
            // What is thrown away by a wrong clock does not come back when it is set right.
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
