//! The open calls of a driver, so that they can be given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use super::Done;
use crate::Error;

/// The open calls of one driver by [`Call::id`](jumpstarter_driver_abi::Call::id).
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    calls: HashMap<u64, Stop>,
}

/// How to give a call up; either way it is answered with CANCELLED.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It runs on the thread that has started it, and cannot be stopped there.
    AtOnce,
    /// The task and the answer it owes are dropped.
    Task(AbortHandle),
    /// A thread cannot be stopped: the answer is taken away from it.
    Thread(SharedDone),
}

/// An answer that whoever comes first gives.
#[derive(Clone, Debug)]
pub(crate) struct SharedDone(Arc<Mutex<Option<Done>>>);

// === impl Calls ===

impl Calls {
    /// Starts a call, which owes `done`, and notes how to stop it. A closed driver starts nothing
    /// and answers at once.
    pub(crate) fn start(&self, id: u64, done: Done, start: impl FnOnce(Done) -> Stop) {
        let mut open = self.lock();
        if open.closed {
            drop(open);
            done.error(&closed());
        } else {
            // Under the lock, so that a call which ends at once is noted before it is forgotten.
            open.calls.insert(id, start(done));
        }
    }

    /// Notes a call that is to begin on this thread. Returns the answer that it owes, unless the
    /// driver is closed.
    pub(crate) fn at_once(&self, id: u64, done: Done) -> Option<Done> {
        let mut owed = None;
        self.start(id, done, |done| {
            owed = Some(done);
            Stop::AtOnce
        });
        owed
    }

    /// A call that began on this thread goes on as a task. If it was answered, it is no call any
    /// more.
    pub(crate) fn goes_on(&self, id: u64, task: AbortHandle) {
        if let Some(stop) = self.lock().calls.get_mut(&id) {
            *stop = Stop::Task(task);
        }
    }

    /// The call was answered, or goes on without an end.
    pub(crate) fn finished(&self, id: u64) {
        let stop = self.lock().calls.remove(&id);
        drop(stop);
    }

    /// Gives a call up.
    pub(crate) fn cancel(&self, id: u64) {
        let stop = self.lock().calls.remove(&id);
        if let Some(stop) = stop {
            stop.now();
        }
    }

    /// Gives all calls up and lets no further one start.
    pub(crate) fn close(&self) {
        let calls = {
            let mut open = self.lock();
            open.closed = true;
            std::mem::take(&mut open.calls)
        };
        calls.into_values().for_each(Stop::now);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // What runs under the lock only starts things; a panic leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error for a call that comes too late.
pub(crate) fn closed() -> Error {
    Error::unavailable("the driver is closed")
}

// === impl Stop ===

impl Stop {
    fn now(self) {
        match self {
            Self::AtOnce => {}
            Self::Task(task) => task.abort(),
            Self::Thread(done) => drop(done.take()),
        }
    }
}

// === impl SharedDone ===

impl SharedDone {
    pub(crate) fn new(done: Done) -> Self {
        Self(Arc::new(Mutex::new(Some(done))))
    }

    /// The right to answer, unless somebody has taken it already.
    pub(crate) fn take(&self) -> Option<Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }
}
