//! `jmp shell`: a shell, or one command, with an exporter at hand.
//!
//! ```text
//! direct   --tls-grpc HOST:PORT     an exporter that listens there
//! leased   --client, …-config       an exporter that a controller gives, for a while
//! local    --exporter, …-config     an exporter of this machine, started for this shell
//! ```
//!
//! All end the same way: a child process in whose environment `j`, and every other client, finds the
//! exporter.

mod child;
mod direct;
mod leased;
mod local;
mod log;
mod prompt;
mod session;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use jiff::SignedDuration;

use super::Logging;
use super::login::again;
use super::options::{SelectorOption, unloaded};
use super::values::{at_least_5_seconds, duration, not_negative};
use crate::Secret;
use crate::cli::CommandLine;
use crate::config::{ClientConfig, find_exporter};
use crate::ui::{Failure, Outcome};
use direct::Direct;
use leased::{Leased, Patience, Wants};
use local::Local;
use session::Manner;

/// How long a lease is if nobody says otherwise.
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

const NO_MODE: &str = "Specify one of: --client / --client-config, --exporter / --exporter-config, \
                        or --tls-grpc HOST:PORT";

/// Start a shell, or run a command, that can use the devices of an exporter
///
/// Inside, `j` calls the devices: `j power on`. Without COMMAND it is your own shell, interactive.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # A board with these labels, from the controller, for an hour
  jmp shell --selector board=imx8 --duration 1h
  # One command with the exporter called rack-3, in a script; its exit code is the exit code
  jmp shell --name rack-3 -- pytest tests/
  # An interactive shell with the devices of an exporter that listens on port 8082
  jmp shell --tls-grpc lab-host:8082 --tls-ca lab-ca.pem
  # Devices of this machine, without a listening exporter
  jmp shell --exporter-config lab.yaml -- j power on")]
pub(super) struct Cmd {
    /// Act as the client of this configuration file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    client_config: Option<PathBuf>,

    /// Act as the client with this name instead of the current one
    #[arg(long, value_name = "ALIAS")]
    client: Option<String>,

    /// Use this lease, which you have, and do not release it afterwards [env: JMP_LEASE]
    #[arg(long, value_name = "NAME")]
    lease: Option<String>,

    #[command(flatten)]
    selector: SelectorOption,

    /// Lease the exporter with this name
    #[arg(short, long, value_name = "EXPORTER")]
    name: Option<String>,

    /// For how long: 30m, 3h30m, 1d, PT1H30M, 01:30:00; a number is seconds [default: 30m]
    #[arg(long, value_parser = duration)]
    duration: Option<SignedDuration>,

    /// How long to wait for an exporter
    #[arg(long, value_name = "DURATION", value_parser = at_least_5_seconds)]
    acquisition_timeout: Option<SignedDuration>,

    /// How long to try again with another lease when an exporter cannot be reached; 0 for not at all
    #[arg(long, value_name = "DURATION", value_parser = not_negative)]
    retry_timeout: Option<SignedDuration>,

    /// How long to try to reach an exporter
    #[arg(long, value_name = "DURATION", value_parser = at_least_5_seconds)]
    dial_timeout: Option<SignedDuration>,

    /// Start the exporter with this name on this machine; its hooks are not run
    #[arg(long, value_name = "ALIAS")]
    exporter: Option<String>,

    /// Start the exporter of this configuration file on this machine; its hooks are not run
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    exporter_config: Option<PathBuf>,

    /// Show what the exporter and its drivers log
    #[arg(long)]
    exporter_logs: bool,

    /// Connect to an exporter that listens at HOST:PORT, or on the unix socket PATH
    #[arg(long, value_name = "HOST:PORT")]
    tls_grpc: Option<String>,

    /// Connect without TLS
    #[arg(long)]
    tls_grpc_insecure: bool,

    /// Accept an exporter whose certificate was issued by an authority in this PEM file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tls_ca: Option<PathBuf>,

    /// The passphrase that the exporter asks for
    #[arg(long, value_name = "TEXT", value_parser = secret)]
    passphrase: Option<Secret<String>>,

    /// Run this instead of an interactive shell; write `--` before it if it has options
    #[arg(value_name = "COMMAND", num_args = 0..)]
    command: Vec<OsString>,
}

/// Whose settings say what to do.
enum Config {
    Client(Box<ClientConfig>),
    Exporter(PathBuf),
    None,
}

fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine, logging: Logging) -> Outcome {
        let config = self.config(line)?;
        if self.tls_grpc.is_none()
            && let Config::Exporter(config) = config
        {
            let local = Local {
                config,
                logging,
                exporter_logs: self.exporter_logs,
            };
            return local.run(self.command).await;
        }
        let manner = Manner {
            console: logging.console(),
            exporter_logs: self.exporter_logs,
            interactive: self.command.is_empty(),
        };
        let client = match (self.tls_grpc, config) {
            (None, Config::Client(config)) => config,
            (None, _) => return Err(line.refuse(NO_MODE).into()),
            (Some(host), _) => {
                if self.tls_grpc_insecure && self.tls_ca.is_some() {
                    let message = "--tls-grpc-insecure cannot be combined with --tls-ca";
                    return Err(line.refuse(message).into());
                }
                let direct = Direct {
                    host,
                    insecure: self.tls_grpc_insecure,
                    ca: self.tls_ca,
                    passphrase: self.passphrase,
                };
                return direct.run(self.command, manner).await;
            }
        };
        let length = |duration: Option<SignedDuration>| match duration.map(Duration::try_from) {
            None => Ok(None),
            Some(Ok(duration)) => Ok(Some(duration)),
            // Only a duration of a lease can be negative, and no controller would take it.
            Some(Err(_)) => {
                let message = "Invalid value for '--duration': it must not be negative";
                Err(line.refuse(message))
            }
        };
        let leased = Leased {
            wants: Wants {
                lease: self.lease,
                selector: self.selector.joined(),
                exporter: self.name,
                duration: length(self.duration)?.unwrap_or(HALF_AN_HOUR),
            },
            patience: Patience {
                acquisition: length(self.acquisition_timeout)?,
                dial: length(self.dial_timeout)?,
                retry: length(self.retry_timeout)?,
            },
            command: self.command,
            manner,
        };
        let mut client = *client;
        match again(&mut client, async |config| leased.run(config).await).await {
            Err(Failure::Usage(message)) => Err(line.refuse(message).into()),
            outcome => outcome,
        }
    }

    /// The settings that the options name, or that are the usual ones.
    fn config(&self, line: &CommandLine) -> Result<Config, Failure> {
        let named = [self.client.is_some(), self.client_config.is_some()];
        let named = named
            .into_iter()
            .chain([self.exporter.is_some(), self.exporter_config.is_some()]);
        if named.filter(|named| *named).count() > 1 {
            let message = "Invalid value: only one of --client, --client-config, --exporter, \
                           --exporter-config should be specified";
            return Err(line.refuse(message).into());
        }
        // Somebody who says where the exporter is needs no settings, and theirs may be broken.
        if self.tls_grpc.is_some() {
            return Ok(Config::None);
        }
        let client = |found: Option<ClientConfig>| match found {
            Some(config) => Config::Client(Box::new(config)),
            None => Config::None,
        };
        if let Some(alias) = &self.client {
            let path = ClientConfig::path_of(alias).map_err(unloaded)?;
            return ClientConfig::load(&path).map(client).map_err(unloaded);
        }
        if let Some(path) = &self.client_config {
            return ClientConfig::load(path).map(client).map_err(unloaded);
        }
        if let Some(alias) = &self.exporter {
            let path = find_exporter(alias).map_err(unloaded)?;
            return match path.exists() {
                true => Ok(Config::Exporter(path)),
                false => {
                    let path = path.display();
                    Err(unloaded(format!(
                        "Exporter config '{path}' does not exist."
                    )))
                }
            };
        }
        match &self.exporter_config {
            Some(path) if path.exists() => Ok(Config::Exporter(path.clone())),
            Some(path) => {
                let path = path.display();
                Err(unloaded(format!(
                    "[Errno 2] No such file or directory: '{path}'"
                )))
            }
            None => ClientConfig::default_one().map(client).map_err(unloaded),
        }
    }
}
