//! What the two directions of a stream tell each other.

use tokio_util::sync::CancellationToken;

use super::Cut;

/// The two sides of a stream, in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Second,
}

/// How a stream goes on. Each of these happens at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// For each side: it has sent everything.
    finished: [CancellationToken; 2],
    /// A side has broken off.
    broken: CancellationToken,
    /// The router ends the stream.
    cut: Cut,
}

// === impl Side ===

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

// === impl Fate ===

impl Fate {
    /// The stream ends, at the latest, with `cut`.
    pub(super) fn until(cut: Cut) -> Self {
        Self {
            cut,
            ..Self::default()
        }
    }

    /// Everything that this side sent has been passed on, and it sends no more.
    pub(super) fn finish(&self, side: Side) {
        self.finished[side.index()].cancel();
    }

    pub(super) fn finished(&self, side: Side) -> &CancellationToken {
        &self.finished[side.index()]
    }

    pub(super) fn break_off(&self) {
        self.broken.cancel();
    }

    pub(super) fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    pub(super) fn cut(&self) -> &Cut {
        &self.cut
    }
}
