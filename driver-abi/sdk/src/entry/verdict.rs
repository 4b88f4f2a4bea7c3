//! How something ended, for whoever asks: before the end or after it, once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Done;
use crate::{Error, Result};

/// An end, brought by one side and asked for by the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    /// Somebody waits for it.
    Asked(Done),
    /// Nobody has asked yet.
    Over(Result<()>),
    /// Whoever asked knows.
    Told,
}

// === impl Verdict ===

impl Verdict {
    /// Answers with the end, when it comes. Returns whether it is told already.
    pub(crate) fn ask(&self, done: Done) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Told) {
            State::Open => {
                *state = State::Asked(done);
                false
            }
            State::Over(result) => {
                drop(state);
                done.result(&result);
                true
            }
            asked => {
                *state = asked;
                drop(state);
                done.error(&Error::failed_precondition("this was asked before"));
                false
            }
        }
    }

    /// Tells the end, or keeps it until somebody asks; then it returns false. Only the first end
    /// counts.
    pub(crate) fn end(&self, result: Result<()>) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Told) {
            State::Open => {
                *state = State::Over(result);
                false
            }
            State::Asked(done) => {
                drop(state);
                done.result(&result);
                true
            }
            ended => {
                *state = ended;
                true
            }
        }
    }

    /// The end that nobody has asked for.
    pub(crate) fn untold(&self) -> Option<Result<()>> {
        match std::mem::replace(&mut *self.lock(), State::Told) {
            State::Over(result) => Some(result),
            State::Open | State::Asked(_) | State::Told => None,
        }
    }

    /// Whether somebody has asked.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(*self.lock(), State::Asked(_) | State::Told)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
