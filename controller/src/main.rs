//! `jmp-controller`: reads the command line, starts the log, does what was asked, and leaves.

use std::process::ExitCode;

use clap::CommandFactory;
use jumpstarter_client::cli::{CommandLine, USAGE};
use jumpstarter_controller::cli::Cli;
use jumpstarter_controller::{cmd, log};

fn main() -> ExitCode {
    let words = std::iter::once("jmp-controller".into()).chain(std::env::args_os().skip(1));
    let mut line = CommandLine::verbatim(Cli::command(), words, USAGE);
    let cli = match line.parse::<Cli>() {
        Ok(cli) => cli,
        Err(refusal) => return refusal.show(),
    };
    log::init(cli.log_level, cli.log_format);
    match cmd::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(&line),
    }
}
