//! One file per command, and what they share: options, the way out, exit codes.

pub mod check;
pub mod driver;
mod exit;
pub mod local;
mod options;
pub mod run;
mod runtime;
mod signals;
pub mod version;

use std::fmt;

use jumpstarter_client::cli::{CommandLine, report_error};

use crate::cli::Command;
use crate::log;

pub use exit::leave;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The words contradict each other; shown with the usage line.
    Usage(String),
    /// Something else is in the way.
    Error(String),
}

/// Exit code of a command, or what kept it from its work.
pub type Outcome = Result<u8, Failure>;

/// Does what was asked.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Run(cmd) => cmd.run(),
        Command::Check(cmd) => cmd.run(),
        Command::Driver(cmd) => cmd.run(),
        Command::Version(cmd) => cmd.run(),
        Command::Local(cmd) => cmd.run(),
    }
}

// === impl Failure ===

impl Failure {
    /// Something is in the way; `error` says what and what to do about it.
    pub fn error(error: impl fmt::Display) -> Self {
        Self::Error(error.to_string())
    }

    /// Tells the user, after everything logged so far, and returns the exit code.
    pub fn show(self, line: &CommandLine) -> u8 {
        log::flush();
        match self {
            Self::Usage(message) => {
                let refusal = line.refuse(message);
                refusal.show();
                refusal.code()
            }
            Self::Error(message) => {
                report_error(message);
                1
            }
        }
    }
}
