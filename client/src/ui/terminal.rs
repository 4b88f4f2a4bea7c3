//! The user's terminal, handed to a device for a while.
//!
//! ```text
//! cooked ── RawTerminal::enter ──► raw: every key goes to the device, its bytes to the screen
//!    ▲                              │
//!    └── drop: the end, an error, a signal, a panic
//! ```

use std::io::{self, IsTerminal};

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

use super::Failure;

/// A terminal on stdin that neither echoes nor interprets keys; as it was before when dropped.
#[derive(Debug)]
pub(crate) struct RawTerminal {
    before: Termios,
    raw: Termios,
}

// === impl RawTerminal ===

impl RawTerminal {
    /// Whether there is a terminal that could become raw.
    pub(crate) fn is_there() -> bool {
        io::stdin().is_terminal()
    }

    /// Makes the terminal raw.
    pub(crate) fn enter() -> Result<Self, Failure> {
        let before = tcgetattr(io::stdin()).map_err(|error| failed(error.into()))?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        let terminal = Self { before, raw };
        terminal.again()?;
        Ok(terminal)
    }

    /// Makes it raw once more, when a shell had it in between.
    pub(crate) fn again(&self) -> Result<(), Failure> {
        set(&self.raw).map_err(failed)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that went away needs nothing any more.
        set(&self.before).ok();
    }
}

/// Not after pending output is out, since that may never be; and keys typed ahead stay.
fn set(to: &Termios) -> io::Result<()> {
    Ok(tcsetattr(io::stdin(), SetArg::TCSANOW, to)?)
}

fn failed(error: io::Error) -> Failure {
    Failure::Error(format!("cannot make the terminal raw: {error}"))
}
