//! `jmp-exporter`: reads the command line, starts the log, does what was asked, and leaves.

use clap::CommandFactory;
use jumpstarter_client::cli::{CommandLine, USAGE};
use jumpstarter_host::cli::Cli;
use jumpstarter_host::{cmd, log};

fn main() {
    let words = std::iter::once("jmp".into()).chain(std::env::args_os().skip(1));
    let mut line = CommandLine::new(Cli::command(), words, USAGE);
    let code = match line.parse::<Cli>() {
        Ok(cli) => log::init(cli.log_level, cli.log_format)
            .map_err(cmd::Failure::error)
            .and_then(|()| cmd::run(cli.command))
            .unwrap_or_else(|failure| failure.show(&line)),
        Err(refusal) => {
            refusal.show();
            refusal.code()
        }
    };
    cmd::leave(code)
}
