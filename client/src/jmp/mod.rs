//! `jmp`: what a person types.

mod admin;
mod auth;
mod catalog;
mod clients;
mod completion;
mod config;
mod create;
mod delete;
mod exporter;
mod filter;
mod get;
mod login;
mod options;
mod shell;
mod update;
mod values;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueHint};

use crate::cli::{CommandLine, USAGE, inherit_examples};
use crate::complete;
use crate::logs::Severity;
use crate::ui::{Console, Failure, Outcome, block_on, cancellable, print_all};

/// Use and share boards, relays, consoles and other hardware over the network
#[derive(Debug, Parser)]
#[command(name = "jmp", after_help = EXAMPLES)]
struct Jmp {
    #[command(flatten)]
    logging: Logging,

    #[command(subcommand)]
    command: Command,
}

/// What is logged, and how.
#[derive(Debug, clap::Args)]
struct Logging {
    /// Show log lines of at least this level [default: INFO]
    #[arg(long, value_name = "LEVEL", value_parser = Severity::NAMES)]
    log_level: Option<String>,

    /// Format of an exporter's own log lines [default: auto]
    #[arg(long, value_name = "FORMAT", value_parser = ["auto", "json", "text"])]
    log_format: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  # Serve the devices of a configuration file on port 8082
  jmp run --exporter-config lab.yaml --tls-grpc-listener 8082 --tls-grpc-insecure
  # Work with them, from another machine
  jmp shell --tls-grpc lab-host:8082 --tls-grpc-insecure
  # Or lease a board from a lab that many share
  jmp login me@login.lab.example.com
  jmp get exporters
  # Switch a board on, in a script
  jmp shell --tls-grpc lab-host:8082 --tls-grpc-insecure -- j power on
  # Serve leases of the controller that the configuration names
  jmp run --exporter bench-3";

#[derive(Debug, Subcommand)]
enum Command {
    Shell(Box<shell::Cmd>),
    /// Run an exporter: serve the devices of a configuration file
    #[command(disable_help_flag = true)]
    Run(Passed),
    /// Look for mistakes in an exporter's configuration file
    #[command(disable_help_flag = true)]
    Check(Passed),
    /// Find and inspect driver plugins
    #[command(disable_help_flag = true)]
    Driver(Passed),
    Admin(admin::Cmd),
    Get(get::Cmd),
    Create(create::Cmd),
    Update(update::Cmd),
    Delete(delete::Cmd),
    Login(Box<login::Cmd>),
    Auth(auth::Cmd),
    Config(config::Cmd),
    Version(version::Cmd),
    Completion(completion::Cmd),
}

/// Words for another program.
#[derive(Debug, clap::Args)]
struct Passed {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        num_args = 0..,
        value_hint = ValueHint::Other
    )]
    #[allow(dead_code, reason = "the words are passed on as they were typed")]
    args: Vec<OsString>,
}

/// The whole of the program `jmp`.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let command = Jmp::command().mut_subcommand("admin", inherit_examples);
    let mut line = CommandLine::new(command, words.iter(), USAGE);
    if let Some(request) = complete::Request::from_env(line.program()) {
        return Failure::conclude(print_all(&request.answer(line.command())));
    }
    let outcome = match line.parse::<Jmp>() {
        Ok(jmp) => jmp.run(&line, &words),
        Err(refusal) => Err(refusal.into()),
    };
    Failure::conclude(outcome)
}

// === impl Logging ===

impl Logging {
    /// Begins to show log lines of this program.
    fn console(&self) -> &'static Console {
        let level = self.log_level.as_deref().and_then(Severity::parse);
        Console::install(level.unwrap_or(Severity::Info))
    }

    /// Runs a command that Ctrl-C ends.
    fn block_on(self, command: impl Future<Output = Outcome>) -> Outcome {
        self.console();
        block_on(cancellable(command))
    }
}

// === impl Jmp ===

impl Jmp {
    fn run(self, line: &CommandLine, words: &[OsString]) -> Outcome {
        match self.command {
            Command::Shell(cmd) => block_on(cmd.run(line, self.logging)),
            Command::Run(_) | Command::Check(_) | Command::Driver(_) => {
                Err(exporter::become_it(words))
            }
            Command::Admin(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Get(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Create(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Update(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Delete(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Login(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Auth(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Config(cmd) => self.logging.block_on(cmd.run(line)),
            Command::Version(cmd) => cmd.run(),
            Command::Completion(cmd) => cmd.run(line.program()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        let line = CommandLine::new(Jmp::command(), ["jmp"], USAGE);
        line.command().clone().debug_assert();
    }
}
