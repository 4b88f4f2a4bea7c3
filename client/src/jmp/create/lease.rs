//! `jmp create lease`: ask for an exporter, for later or for several commands.

use jiff::{SignedDuration, Timestamp};
use jumpstarter_proto::client_v1::Lease;

use crate::cli::CommandLine;
use crate::jmp::catalog::{OneLease, Shown, deprecations};
use crate::jmp::clients::Clients;
use crate::jmp::login::again;
use crate::jmp::options::{ClientOptions, SelectorOption};
use crate::jmp::values::{self, datetime, duration};
use crate::ui::{Format, Outcome, show, warn};

/// Ask for a lease, without waiting for it
///
/// The answer has the name of the lease, with which `jmp shell --lease` and others use it. It ends
/// after its duration, or with `jmp delete lease`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # One lease for several commands
  export JMP_LEASE=$(jmp create lease -l board=imx8 --duration 2h -o name)
  jmp shell -- j storage flash image.raw
  jmp shell -- pytest tests/
  jmp delete lease \"$JMP_LEASE\"
  # A certain exporter, tomorrow
  jmp create lease -n rack-1 --duration 1h --begin-time 2026-11-23T09:00:00")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,

    #[command(flatten)]
    selector: SelectorOption,

    /// Ask for the exporter with this name
    #[arg(short, long, value_name = "EXPORTER")]
    name: Option<String>,

    /// How long: 30m, 3h30m, 1d, PT1H30M, 01:30:00; a number is seconds
    #[arg(long, value_parser = duration)]
    duration: SignedDuration,

    /// When it begins: 2026-11-23T09:00:00, with or without a zone; else at once
    #[arg(long, value_name = "DATETIME", value_parser = datetime)]
    begin_time: Option<Timestamp>,

    /// What the lease is to be called, instead of a name of the controller's choice
    #[arg(long, value_name = "ID")]
    lease_id: Option<String>,

    /// Tag it, to find it again: key=value, repeated
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<String>,

    /// Accept a disabled exporter; only with --name
    #[arg(long)]
    allow_disabled: bool,

    /// Tell the exporter and its hooks: key=value, repeated
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let selector = self.selector.joined();
        if selector.is_none() && self.name.is_none() {
            return Err(line
                .refuse("one of --selector/-l or --name/-n is required")
                .into());
        }
        let lease = Lease {
            selector: selector.unwrap_or_default(),
            duration: Some(wire_duration(self.duration)),
            begin_time: self.begin_time.map(wire_time),
            // There even if it is empty, as controllers know it.
            exporter_name: Some(self.name.unwrap_or_default()),
            tags: values::tags(&self.tag).map_err(|why| line.refuse(why))?,
            allow_disabled: self.allow_disabled,
            context: values::context(&self.context).map_err(|why| line.refuse(why))?,
            ..Lease::default()
        };
        let id = self.lease_id.unwrap_or_default();
        let mut config = self.client.load(line)?;
        let created = again(&mut config, async |config| {
            let created = Clients::new(config)?
                .create_lease(lease.clone(), &id)
                .await?;
            Shown::new(created)
        });
        let created = created.await?;
        for (label, is_deprecated) in deprecations(&created.lease.deprecated_labels) {
            warn(&format!("selector label '{label}' {is_deprecated}"));
        }
        show(&OneLease(created), self.output)?;
        Ok(0)
    }
}

pub(in crate::jmp) fn wire_duration(duration: SignedDuration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: duration.as_secs(),
        nanos: duration.subsec_nanos(),
    }
}

pub(in crate::jmp) fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    let second = 1_000_000_000;
    prost_types::Timestamp {
        // Both fit, whatever the time is.
        seconds: nanos.div_euclid(second) as i64,
        nanos: nanos.rem_euclid(second) as i32,
    }
}
