//! How much a stream may hold at once: a part of what all of them may hold together.
//!
//! A few streams move large pieces, which saves trips to the kernel and changes of thread. Hundreds,
//! some of which nobody reads, must not hold as much each.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What all streams together may hold, as long as that leaves `LEAST` for each.
const ALL: usize = 1 << 20;
pub(super) const LEAST: usize = 32 << 10;
const MOST: usize = 256 << 10;

static STREAMS: AtomicUsize = AtomicUsize::new(0);

/// The share of one stream, for as long as it lasts.
#[derive(Debug)]
pub(super) struct Share(());

/// How large the share of each stream is at this moment.
pub(super) fn size() -> usize {
    part(STREAMS.load(Ordering::Relaxed))
}

fn part(streams: usize) -> usize {
    (ALL / streams.max(1)).clamp(LEAST, MOST)
}

// === impl Share ===

impl Share {
    pub(super) fn take() -> Self {
        STREAMS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_streams_the_less_for_each() {
        assert_eq!(part(0), MOST);
        assert_eq!(part(4), MOST);
        assert_eq!(part(8), MOST / 2);
        assert_eq!(part(1000), LEAST);
    }
}
