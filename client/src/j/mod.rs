//! `j`: one command on one device, inside a `jmp shell`.
//!
//! There is no list of commands in this program. They are made from the exporter's report: for
//! devices we know, those that the reference has; for all others, one for each method.

mod commands;
mod farewell;
mod flasher;
mod generic;
mod mux;
mod network;
mod policy;
mod power;
mod serial;
mod shell;
mod storage;
mod transfer;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::{CommandLine, USAGE_J};
use crate::complete;
use crate::connect::{Options, Tls, connect};
use crate::logs::Severity;
use crate::ui::{Console, Failure, Outcome, Signals, block_on, print_all, sentence};
use crate::{Host, Secret, Session, env};
use commands::Commands;
use farewell::Farewell;

/// The whole of the program `j`.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let outcome = match complete::Request::from_env("j") {
        Some(request) => block_on(answer(request)).or(Err(Failure::Quiet(1))),
        None => block_on(run(words)),
    };
    Failure::conclude(outcome)
}

async fn run(words: Vec<OsString>) -> Outcome {
    let mut signals = Signals::listen()?;
    let farewell = Farewell::default();
    let outcome = signals.or(work(words, &farewell)).await;
    signals.or_in_a_hurry(farewell.keep_anyway()).await?;
    outcome
}

async fn work(words: Vec<OsString>, farewell: &Farewell) -> Outcome {
    let typed = words.get(1..).unwrap_or_default();
    let commands = Commands::new(session().await?, policy::allow()?, typed).await?;
    commands.warn();
    let command = commands.command(typed);
    let mut line = CommandLine::verbatim(command, words, USAGE_J);
    let matches = line.matches()?;
    let level = commands::log_level(&matches).and_then(Severity::parse);
    Console::install(level.unwrap_or(Severity::Info));
    match commands.run(&matches, farewell).await {
        Err(Failure::Usage(mistake)) => Err(line.refuse(mistake).into()),
        outcome => outcome,
    }
}

/// Tells a shell what could come next.
async fn answer(request: complete::Request) -> Outcome {
    let command = if request.needs_commands() {
        let words = request.words();
        let commands = Commands::new(session().await?, policy::allow()?, &words).await?;
        commands.command(&words)
    } else {
        clap::Command::new("j")
    };
    print_all(&request.answer(CommandLine::verbatim(command, ["j"], USAGE_J).command()))
}

/// Connects to the exporter of this shell.
async fn session() -> Result<Session, Failure> {
    let Some(host) = env::text(env::HOST) else {
        // The doubled prefix is the reference's.
        return Err(Failure::Error(format!(
            "Error: the j command must be used inside a jmp shell: {} not set",
            env::HOST
        )));
    };
    let options = Options {
        tls: tls(),
        passphrase: env::text(env::GRPC_PASSPHRASE).map(Secret::new),
    };
    let connection = connect(&Host::parse(&host), &options)
        .await
        .map_err(|error| Failure::Error(sentence::unreachable(&error)))?;
    Session::open(connection)
        .await
        .map_err(|error| Failure::Error(sentence::unopened(&error)))
}

fn tls() -> Tls {
    if !env::insecure() {
        Tls::default()
    } else if env::text(env::TLS_UNVERIFIED).is_some() {
        Tls::Unverified
    } else {
        Tls::Off
    }
}
