//! How fast and how small: ours beside a bare server and beside the Python programs.
//!
//! ```text
//!            ┌─ limit    a tonic server with static answers: what the framework allows
//!  one load ─┼─ ours     jmp-exporter, Rust plugin, log to a file
//!            ├─ quiet    the same with --log-level WARNING
//!            └─ python   jmp run of the Python programs, byte-compiled
//! ```
//!
//! Absolute figures belong to one machine on one day, so everything is measured in one run, in turns
//! (A B A B …), and the medians are compared. `bench --quick` takes fewer and shorter turns; the name
//! of a part, `bench echo`, measures only that.

// A measuring program: what cannot be set up is said at once, and the table goes to the terminal.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod boundary;
mod calls;
mod commands;
mod dial;
mod echo;
mod flood;
mod frames;
mod hub;
mod life;
mod limit;
mod load;
mod logs;
mod process;
mod relay;
mod scale;
mod served;
mod table;
mod upload;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use jumpstarter_tests::Lab;

use crate::table::Table;

/// What can be measured by itself: `bench --quick echo`.
const PARTS: [&str; 11] = [
    "life", "calls", "logs", "boundary", "echo", "upload", "flood", "commands", "relay", "dial",
    "lab",
];

/// How much of everything.
#[derive(Clone, Copy, Debug)]
struct Effort {
    turns: usize,
    turn: Duration,
    /// How many MiB a byte stream carries in a turn.
    mebibytes: usize,
    python: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["limit", port, drivers, report] => {
            let (port, drivers) = (port.parse(), drivers.parse());
            limit::serve(port.expect("a port"), drivers.expect("a number"), report).await;
        }
        ["relay-limit", port, cert, key] => {
            limit::relay::serve(port.parse().expect("a port"), cert, key).await;
        }
        ["--quick", parts @ ..] if known(parts) => {
            measure(3, Duration::from_millis(400), 128, parts).await;
        }
        parts if known(parts) => measure(9, Duration::from_millis(700), 1024, parts).await,
        _ => {
            eprintln!("usage: bench [--quick] [{}]...", PARTS.join("|"));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn known(parts: &[&str]) -> bool {
    parts.iter().all(|part| PARTS.contains(part))
}

/// Measures the parts named, or all of them.
async fn measure(turns: usize, turn: Duration, mebibytes: usize, parts: &[&str]) {
    let started = Instant::now();
    let lab = Lab::new();
    let python = lab.programs().python("jmp").is_some();
    if !python {
        eprintln!("the Python programs are not measured: run `make venv` first");
    }
    let effort = Effort {
        turns,
        turn,
        mebibytes,
        python,
    };
    let mut table = Table::default();
    for part in PARTS {
        if !parts.is_empty() && !parts.contains(&part) {
            continue;
        }
        eprintln!("{part} …");
        match part {
            "life" => life::measure(&lab, effort, &mut table).await,
            "calls" => calls::measure(&lab, effort, &mut table).await,
            "logs" => logs::measure(&lab, effort, &mut table).await,
            "boundary" => boundary::measure(&lab, effort, &mut table).await,
            "echo" => echo::measure(&lab, effort, &mut table).await,
            "upload" => upload::measure(&lab, effort, &mut table).await,
            "flood" => flood::measure(&lab, effort, &mut table).await,
            "relay" => relay::measure(&lab, effort, &mut table).await,
            "dial" => dial::measure(&lab, effort, &mut table).await,
            "lab" => scale::measure(&lab, effort, &mut table).await,
            _ => commands::measure(&lab, effort, &mut table).await,
        }
    }
    println!("{table}");
    eprintln!("took {:.0} s", started.elapsed().as_secs_f64());
}
