//! The lab: its objects, and every change to them.
//!
//! One task changes it, step by step (`work`). Everybody else sends commands, and is answered when
//! their changes are committed to the database; or reads, without waiting, the state that is committed.

mod alarms;
mod census;
mod change_summary;
mod clients;
mod clock;
mod credentials;
mod error;
mod exporters;
mod leases;
mod notes;
mod policies;
mod presence;
mod queue;
mod state;
mod step;
mod view;
mod watch;
mod work;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use census::Census;
pub use clients::{ClientChange, NewClient};
pub use error::LabError;
pub use exporters::{ExporterChange, NewExporter};
pub use leases::{By, LeaseUpdate, NewLease};
pub use policies::NewPolicy;
pub use presence::Present;
pub use view::{LeaseQuery, Page};
pub use watch::{Assignment, ExporterState};

use crate::store::{Change, Retention, Store, StoreError};
use alarms::Alarms;
use census::Tally;
use clock::Clock;
use presence::Presence;
use state::State;
use step::{Command, Ended, Job, QueuedCommand};
use watch::Watchers;
use work::Work;

/// How many commands may wait; senders of more wait with theirs.
const WAITING: usize = 4096;
/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The handle to the lab; cheap to clone. When all are dropped, the lab ends.
#[derive(Clone, Debug)]
pub struct Lab {
    jobs: mpsc::Sender<Box<dyn Job>>,
    published: Arc<RwLock<State>>,
    store: Store,
    presence: Presence,
    watchers: Watchers,
    tally: Tally,
    retention: Arc<RwLock<Retention>>,
    /// How many open leases one owner may have.
    most_leases: Arc<AtomicUsize>,
}

/// The lab's task, to be awaited after the last [`Lab`] was dropped.
#[derive(Debug)]
pub struct Running(tokio::task::JoinHandle<()>);

// === impl Lab ===

impl Lab {
    /// Starts the lab with what is in the database.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn open(store: Store) -> Result<(Self, Running), StoreError> {
        Self::open_at(store, clock::real()).await
    }

    async fn open_at(store: Store, clock: Clock) -> Result<(Self, Running), StoreError> {
        let loaded = store.load().await?;
        let published = Arc::new(RwLock::new(State::of(&loaded)));
        let presence = Presence::default();
        for exporter in loaded.exporters.iter().filter(|exporter| exporter.online) {
            // Its connection broke with the previous program; this gives it time to come back.
            presence.sign(exporter.uid);
        }
        let (jobs, queue) = mpsc::channel(WAITING);
        let lab = Self {
            jobs,
            published: Arc::clone(&published),
            store: store.clone(),
            presence: presence.clone(),
            watchers: Watchers::default(),
            tally: Tally::default(),
            retention: Arc::default(),
            most_leases: Arc::new(AtomicUsize::new(usize::MAX)),
        };
        let start = clock();
        let mut alarms = Alarms::default();
        alarms.review(loaded.leases.iter(), start);
        let work = Work {
            jobs: queue,
            store,
            working: State::of(&loaded),
            published,
            presence,
            watchers: lab.watchers.clone(),
            tally: lab.tally.clone(),
            clock,
            alarms,
            start,
            mistrusts: false,
            ended: Ended::default(),
            retention: Arc::clone(&lab.retention),
            anew: true,
            failures: 0,
            is_over: false,
        };
        Ok((lab, Running(tokio::spawn(work.run()))))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Sets how much of the past is kept, from now on.
    pub fn retain(&self, retention: Retention) {
        let mut kept = self.retention.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = retention;
    }

    /// Sets how many open leases one owner may have, from now on. Until then there is no limit.
    pub fn limit_leases(&self, most: usize) {
        self.most_leases.store(most, Ordering::Relaxed);
    }

    /// Waits until the lab has carried out all earlier commands.
    ///
    /// # Errors
    ///
    /// It does not in this time, or has ended.
    pub async fn answers(&self, within: Duration) -> Result<(), LabError> {
        self.ask(Nothing, within).await
    }

    /// Waits until the lab's task has ended, after which nothing can change.
    pub async fn over(&self) {
        self.jobs.closed().await;
    }

    /// Sends a command, and waits until its change is committed.
    async fn change<C: Command>(&self, command: C) -> Result<C::Answer, LabError> {
        self.ask(command, PATIENCE).await
    }

    async fn ask<C: Command>(&self, command: C, within: Duration) -> Result<C::Answer, LabError> {
        let asked = async {
            let (answer, answered) = oneshot::channel();
            let job = Box::new(QueuedCommand { command, answer });
            self.jobs.send(job).await.map_err(|_| LabError::Stopping)?;
            answered.await.map_err(|_| LabError::Stopping)?
        };
        timeout(within, asked).await.map_err(|_| LabError::Busy)?
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        read(&self.published)
    }
}

fn read(state: &RwLock<State>) -> RwLockReadGuard<'_, State> {
    state.read().unwrap_or_else(PoisonError::into_inner)
}

/// A command without effect, to see whether the lab answers.
struct Nothing;

impl Command for Nothing {
    type Answer = ();

    fn carry_out(self, _: &mut step::Step<'_>) -> Result<(), LabError> {
        Ok(())
    }
}

/// Applies committed changes to the published state.
fn publish(published: &RwLock<State>, working: &State, changes: &[Change]) {
    let mut published = published.write().unwrap_or_else(PoisonError::into_inner);
    for change in changes {
        published.apply(change);
    }
    published.adopt(working);
}

// === impl Running ===

impl Running {
    /// Waits until everything is committed.
    pub async fn ended(self) {
        if let Err(error) = self.0.await {
            tracing::error!(%error, "the lab ended badly");
        }
    }
}

#[cfg(test)]
mod tests;
