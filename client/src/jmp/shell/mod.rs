//! `jmp shell`: a shell, or one command, with an exporter at hand.
//!
//! ```text
//! direct   --tls-grpc HOST:PORT     an exporter that listens there
//! local    --exporter, …-config     an exporter of this machine, started for this shell
//! ```
//!
//! Both end the same way: a child process in whose environment `j`, and every other client, finds
//! the exporter.

mod child;
mod direct;
mod local;
mod prompt;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueHint;

use super::Logging;
use crate::Secret;
use crate::cli::CommandLine;
use crate::config::find_exporter;
use crate::ui::{Failure, Outcome};
use direct::Direct;
use local::Local;

const NO_MODE: &str = "Specify one of: --exporter / --exporter-config, or --tls-grpc HOST:PORT";

/// Start a shell, or run a command, that can use the devices of an exporter
///
/// Inside, `j` calls the devices: `j power on`. Without COMMAND it is your own shell, interactive.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # An interactive shell with the devices of an exporter that listens on port 8082
  jmp shell --tls-grpc lab-host:8082 --tls-ca lab-ca.pem
  # One command, in a script; its exit code is the exit code
  jmp shell --tls-grpc lab-host:8082 --tls-grpc-insecure -- pytest tests/
  # Devices of this machine, without a listening exporter
  jmp shell --exporter-config lab.yaml -- j power on")]
pub(super) struct Cmd {
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

/// The exporter's file, if that is what the options ask for.
enum Config {
    None,
    Alias(String),
    File(PathBuf),
}

fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine, logging: Logging) -> Outcome {
        let config = match (self.exporter, self.exporter_config) {
            (None, None) => Config::None,
            (Some(alias), None) => Config::Alias(alias),
            (None, Some(path)) => Config::File(path),
            (Some(_), Some(_)) => {
                let message =
                    "Invalid value: only one of --exporter, --exporter-config should be specified";
                return Err(line.refuse(message).into());
            }
        };
        if let Some(host) = self.tls_grpc {
            if self.tls_grpc_insecure && self.tls_ca.is_some() {
                let message = "--tls-grpc-insecure cannot be combined with --tls-ca";
                return Err(line.refuse(message).into());
            }
            let direct = Direct {
                host,
                insecure: self.tls_grpc_insecure,
                ca: self.tls_ca,
                passphrase: self.passphrase,
                exporter_logs: self.exporter_logs,
            };
            return direct.run(self.command, logging.console()).await;
        }
        match config {
            Config::None => Err(line.refuse(NO_MODE).into()),
            config => {
                let local = Local {
                    config: config.path()?,
                    logging,
                    exporter_logs: self.exporter_logs,
                };
                local.run(self.command).await
            }
        }
    }
}

// === impl Config ===

impl Config {
    /// Where the file is; it must be there, because the mistake is easily made and hard to see.
    fn path(self) -> Result<PathBuf, Failure> {
        let unusable = |why: String| Failure::Error(format!("Failed to load config: {why}"));
        match self {
            Self::Alias(alias) => {
                let path = find_exporter(&alias).map_err(|error| unusable(error.to_string()))?;
                if path.exists() {
                    Ok(path)
                } else {
                    let path = path.display();
                    Err(unusable(format!(
                        "Exporter config '{path}' does not exist."
                    )))
                }
            }
            Self::File(path) if path.exists() => Ok(path),
            Self::File(path) => Err(unusable(format!(
                "[Errno 2] No such file or directory: '{}'",
                path.display()
            ))),
            Self::None => Err(Failure::Error(NO_MODE.to_owned())),
        }
    }
}
