//! The language in which whole-lab stories are told: real programs, real sockets, real plugins.
//!
//! ```text
//!  Lab ──► a private folder, home and runtime folder; dies with everything in it
//!   ├─ .exporter("power: {type: …}").start() ──► Exporter: a jmp-exporter process, its port, its lines
//!   │      ├─ .shell(["j", "power", "on"])   jmp shell --tls-grpc … -- j power on
//!   │      ├─ .j(["power", "on"])            j, as if inside that shell
//!   │      └─ .stop()                        SIGTERM, its exit code and everything it said
//!   └─ .jmp(["--help"]) ──► Outcome: .succeeds(), .fails(2), .prints("…"), .complains("…")
//! ```
//!
//! A story is one test; it says what a person would do and what that person would see. The programs
//! are those that `make build` left beside the test.

// The whole crate is test code: a lab that cannot be set up is a failed test, said at once.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod board;
mod certs;
mod double;
mod exporter;
mod issuer;
mod lab;
mod leased;
mod lines;
mod port;
mod programs;
mod pty;
mod run;
mod setup;
mod standalone;
mod wire;

pub use crate::{
    board::Board,
    certs::Certs,
    double::{Call, Double, Fault, Kind, Rpc, Said},
    exporter::Exporter,
    issuer::Issuer,
    lab::Lab,
    leased::{
        Access, Cast, Controller, Hooks, Make, Person, Seen, Stage, Station, Tunnel, Visitor,
    },
    lines::Lines,
    port::free_port,
    programs::Programs,
    pty::Terminal,
    run::{Outcome, run},
    setup::Setup,
    standalone::{Account, Settings, Standalone},
    wire::{Peer, dial, null, values},
};

/// How long anything in a story may take before the story has failed. Far beyond what it needs, so
/// that a loaded machine does not fail stories.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
