//! What the two sides of a pair know of each other.

use tokio_util::sync::CancellationToken;

use super::Cut;

/// The two ends of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Second,
}

/// How a pair is doing. Each of these happens once.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// A side has sent all it wanted to.
    finished: [CancellationToken; 2],
    /// A side has broken off.
    broken: CancellationToken,
    /// It is over for both.
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
    /// Of a pair that ends, at the latest, with `cut`.
    pub(super) fn until(cut: Cut) -> Self {
        Self {
            cut,
            ..Self::default()
        }
    }

    /// All that this side sends has been passed on.
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
