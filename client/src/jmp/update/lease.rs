//! `jmp update lease`: longer, later, or somebody else's.

use jiff::{SignedDuration, Timestamp};
use jumpstarter_proto::client_v1::Lease;
use jumpstarter_proto::names::Kind;

use crate::cli::CommandLine;
use crate::jmp::catalog::{OneLease, Shown};
use crate::jmp::clients::Clients;
use crate::jmp::create::lease::{wire_duration, wire_time};
use crate::jmp::login::again;
use crate::jmp::options::ClientOptions;
use crate::jmp::values::{datetime, duration};
use crate::ui::{Format, Outcome, show};

/// Change how long a lease lasts, when it begins, or whose it is
///
/// The begin of a lease that has begun cannot be changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Four hours, counted from when it began
  jmp update lease my-lease --duration 4h
  # Give it to somebody else
  jmp update lease my-lease --to-client bob")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,

    /// How long: 30m, 3h30m, 1d, PT1H30M, 01:30:00; a number is seconds
    #[arg(long, value_parser = duration)]
    duration: Option<SignedDuration>,

    /// When it begins: 2026-11-23T09:00:00, with or without a zone
    #[arg(long, value_name = "DATETIME", value_parser = datetime)]
    begin_time: Option<Timestamp>,

    /// Give it to this client of the same namespace
    #[arg(long, value_name = "CLIENT")]
    to_client: Option<String>,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// The lease
    name: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let mut paths = Vec::new();
        for (path, given) in [
            ("duration", self.duration.is_some()),
            ("begin_time", self.begin_time.is_some()),
            ("client", self.to_client.is_some()),
        ] {
            if given {
                paths.push(path.to_owned());
            }
        }
        if paths.is_empty() {
            let message =
                "At least one of --duration, --begin-time, or --to-client must be specified";
            return Err(line.refuse(message).into());
        }
        let mut config = self.client.load(line)?;
        let updated = again(&mut config, async |config| {
            let clients = Clients::new(config)?;
            let client = self.to_client.as_deref();
            let lease = Lease {
                duration: self.duration.map(wire_duration),
                begin_time: self.begin_time.map(wire_time),
                client: client.map(|name| clients.name(Kind::Client, name)),
                ..Lease::default()
            };
            let updated = clients
                .update_lease(&self.name, lease, paths.clone())
                .await?;
            Shown::new(updated)
        });
        show(&OneLease(updated.await?), self.output)?;
        Ok(0)
    }
}
