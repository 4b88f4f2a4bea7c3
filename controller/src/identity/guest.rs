//! Whoever is at the other end of a connection, and whether anybody knows him.
//!
//! Most of what a peer may take of the controller it may take only after one of its calls has shown who
//! it is: strangers are many, and cost them nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The peer of one connection; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guest(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: AtomicBool,
    unfinished: AtomicUsize,
}

/// A request of a connection that has not come to its end. Dropping it says that it has.
#[derive(Debug)]
pub(crate) struct Unfinished(Guest);

// === impl Guest ===

impl Guest {
    /// One whose first call has shown who it is. It stays known until the connection ends.
    pub(crate) fn welcome(&self) {
        self.0.known.store(true, Ordering::Relaxed);
    }

    /// Whether one of its calls has shown who it is.
    pub fn is_known(&self) -> bool {
        self.0.known.load(Ordering::Relaxed)
    }

    /// Counts a request that has begun, unless there are `most` of them.
    pub(crate) fn begin(&self, most: usize) -> Option<Unfinished> {
        let more = |count| (count < most).then_some(count + 1);
        let counted = &self.0.unfinished;
        let begun = counted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        begun.is_ok().then(|| Unfinished(self.clone()))
    }
}

// === impl Unfinished ===

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.0.unfinished.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_unfinished_is_counted() {
        let guest = Guest::default();
        let first = guest.begin(2).unwrap();
        let second = guest.clone().begin(2).unwrap();
        assert!(guest.begin(2).is_none());
        drop(first);
        drop((guest.begin(2).unwrap(), second));
        assert!(guest.begin(1).is_some());
    }
}
