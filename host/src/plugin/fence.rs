//! Notices a driver that no longer answers, and keeps further callers away from it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// A call that is still open so long after it was cancelled counts as unanswered.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// So many of them in a row, and the driver counts as stuck.
pub(super) const LIMIT: u32 = 5;

/// Counts unanswered calls of one driver. Any answer, even a late one, starts over.
#[derive(Debug, Default)]
pub(super) struct Fence {
    unanswered: AtomicU32,
    /// Ends the watch over calls that were given up.
    pub(super) stop: CancellationToken,
}

// === impl Fence ===

impl Fence {
    pub(super) fn is_up(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) >= LIMIT
    }

    /// True if the fence goes up with this call.
    pub(super) fn missed(&self) -> bool {
        self.unanswered.fetch_add(1, Ordering::Relaxed) + 1 == LIMIT
    }

    /// True if the fence comes down with this answer.
    pub(super) fn answered(&self) -> bool {
        // Almost always there is nothing to write, and the cache line can stay shared.
        self.unanswered.load(Ordering::Relaxed) != 0
            && self.unanswered.swap(0, Ordering::Relaxed) >= LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_up_after_five_in_a_row_and_down_with_an_answer() {
        let fence = Fence::default();
        for _ in 1..LIMIT {
            assert!(!fence.missed());
        }
        assert!(!fence.answered());
        for _ in 1..LIMIT {
            assert!(!fence.missed());
        }
        assert!(!fence.is_up());
        assert!(fence.missed());
        assert!(fence.is_up());
        assert!(fence.answered());
        assert!(!fence.is_up());
    }
}
