//! `j` and the devices it meets.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

#[path = "../fake/mod.rs"]
mod fake;
#[path = "../program/mod.rs"]
mod program;

mod flasher;
mod generic;
mod help;
mod mux;
mod network;
mod pdu;
mod power;
mod scripts;
mod serial;
mod session;
mod storage;

use fake::{DriverReport, Fake, Serving, driver};
use program::{Outcome, Program, j};

fn at(exporter: &Serving) -> Program {
    lead(j(), exporter)
}

/// Tells a program where the exporter is.
fn lead(program: Program, exporter: &Serving) -> Program {
    program
        .env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
}

async fn run(exporter: &Serving, words: &str) -> Outcome {
    at(exporter).words(words).run().await
}

fn lab() -> Fake {
    Fake::new([
        DriverReport::power("power").description("The board's supply"),
        driver("pdu", pdu::CLASS)
            .interface(&pdu::interface())
            .describes("all", "Switch it, as we say here"),
        driver("old", "vendor_old.client.Thing")
            .describes("echo", "Say it again")
            .describes("items", "Count things"),
        DriverReport::group("nested")
            .with([DriverReport::group("inner").with([DriverReport::power("p2")])]),
    ])
}
