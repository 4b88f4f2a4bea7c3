//! Why a command did not do what it was asked, and the exit code for it.

use std::process::ExitCode;

use super::tell;
use crate::cli::{Refusal, report_error};

/// The exit code of a command that ran, or why it did not.
pub(crate) type Outcome = Result<u8, Failure>;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The words are wrong, or help was asked for.
    Refusal(Refusal),
    /// The words are wrong together; [`CommandLine::refuse`](crate::cli::CommandLine::refuse) makes
    /// a refusal of it, which also shows the usage.
    Usage(String),
    /// Something is in the way: `Error: …`, exit code 1.
    Error(String),
    /// The controller says so, or the token itself; a new login can help.
    TokenExpired(String),
    /// A question was not answered, before anything began.
    Aborted,
    /// The same as an error, with another exit code.
    Code(u8, String),
    /// All was said already.
    Quiet(u8),
}

// === impl Failure ===

impl Failure {
    /// Prints it and returns the exit code.
    pub(crate) fn show(self) -> ExitCode {
        match self {
            Self::Refusal(refusal) => refusal.show(),
            Self::Error(message) | Self::Usage(message) | Self::TokenExpired(message) => {
                report_error(message)
            }
            Self::Aborted => {
                tell("Aborted!");
                ExitCode::FAILURE
            }
            Self::Code(code, message) => {
                report_error(message);
                ExitCode::from(code)
            }
            Self::Quiet(code) => ExitCode::from(code),
        }
    }

    /// The exit code of `outcome`, after saying what there is to say.
    pub(crate) fn conclude(outcome: Outcome) -> ExitCode {
        match outcome {
            Ok(code) => ExitCode::from(code),
            Err(failure) => failure.show(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}
