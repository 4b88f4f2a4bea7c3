//! One file per command, and what they share: finding the installation, talking to it, output.

mod admin;
pub mod audit;
pub mod backup;
pub mod check;
pub mod client;
pub mod completion;
mod documents;
pub mod exporter;
pub mod init;
pub mod key;
pub mod lease;
mod output;
pub mod policy;
pub mod router;
pub mod run;
mod target;
pub mod token;
pub mod transfer;
pub mod user;

use std::fmt;
use std::process::ExitCode;

use jumpstarter_client::cli::{CommandLine, report_error};

use crate::cli::{Cli, Command};

/// Why a command has failed.
#[derive(Debug)]
pub enum Failure {
    /// The options contradict each other; shown with the usage line.
    Usage(String),
    /// Anything else.
    Error(String),
}

/// The result of a command.
pub type Outcome = Result<(), Failure>;

/// Runs the command.
///
/// # Errors
///
/// Why it has failed.
pub fn run(cli: Cli) -> Outcome {
    let target = cli.target;
    match cli.command {
        Command::Run(cmd) => cmd.run(&target),
        Command::Check(cmd) => cmd.run(&target),
        Command::Init(cmd) => cmd.run(&target),
        Command::User(cmd) => cmd.run(&target),
        Command::Client(cmd) => cmd.run(&target),
        Command::Exporter(cmd) => cmd.run(&target),
        Command::Token(cmd) => cmd.run(&target),
        Command::Policy(cmd) => cmd.run(&target),
        Command::Lease(cmd) => cmd.run(&target),
        Command::Backup(cmd) => cmd.run(&target),
        Command::Restore(cmd) => cmd.run(&target),
        Command::Key(cmd) => cmd.run(&target),
        Command::Router(cmd) => cmd.run(&target),
        Command::Audit(cmd) => cmd.run(&target),
        Command::Completion(cmd) => cmd.run(),
        Command::Export(cmd) => cmd.run(&target),
        Command::Import(cmd) => cmd.run(&target),
    }
}

/// Runs a future to its end on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(Failure::error)?.block_on(work)
}

// === impl Failure ===

impl Failure {
    /// A failure whose text says what is wrong and what to do about it.
    pub fn error(error: impl fmt::Display) -> Self {
        Self::Error(error.to_string())
    }

    /// Tells the user and returns the exit code.
    pub fn show(self, line: &CommandLine) -> ExitCode {
        match self {
            Self::Usage(message) => line.refuse(message).show(),
            Self::Error(message) => {
                report_error(message);
                ExitCode::FAILURE
            }
        }
    }
}
