//! Modem lines: what is wired to the reset and boot pins of many boards.

use jumpstarter_driver::Schema;
use serde::Deserialize;

/// A line that this side drives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Line {
    Dtr,
    Rts,
}

/// What happens to a line when the port is opened. Linux itself raises both lines when a port is
/// opened that nobody had open; whatever is written here comes after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Schema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It is raised.
    #[default]
    Assert,
    /// It is lowered.
    Clear,
    /// It stays as it is.
    Keep,
}

// === impl Level ===

impl Level {
    /// Whether the line is to be high, if that is to be changed.
    pub(crate) fn wanted(self) -> Option<bool> {
        match self {
            Self::Assert => Some(true),
            Self::Clear => Some(false),
            Self::Keep => None,
        }
    }
}
