//! `jmp-controller`: reads the command line, starts the log, and runs the command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory;
use jumpstarter_client::cli::{CommandLine, USAGE, inherit_examples};
use jumpstarter_client::complete;
use jumpstarter_controller::cli::Cli;
use jumpstarter_controller::{cmd, log};

fn main() -> ExitCode {
    let words = std::iter::once("jmp-controller".into()).chain(std::env::args_os().skip(1));
    let mut line = CommandLine::verbatim(inherit_examples(Cli::command()), words, USAGE);
    if let Some(request) = complete::Request::from_env("jmp-controller") {
        return match std::io::stdout().write_all(request.answer(line.command()).as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
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
