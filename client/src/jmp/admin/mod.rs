//! `jmp admin`: clients, exporters and leases of a lab, for whoever looks after it.
//!
//! ```text
//! options ─► Access ─┬─ socket in the controller's data folder ─┐
//!                    └─ TLS with an administrator's token ──────┴─► Admin ─► JSON over HTTP/1
//! ```
//!
//! Objects are shown as Kubernetes has them, for scripts that know `jmp admin` from there.

mod access;
mod age;
mod api;
mod create;
mod delete;
mod files;
mod get;
mod import;
mod kubeconfig;
mod objects;
mod rotate;
mod views;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::ui::{Failure, Outcome};

/// Administer a lab: its clients, exporters and leases
///
/// On the controller's machine, as its user or as root, nothing more is needed. From elsewhere it takes
/// the token of an administrator: --server and --token-file, or a --kubeconfig that has both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # A board for everybody, and a person who may use it
  jmp admin create exporter rack-1 --label board=imx8 --out rack-1.yaml
  jmp admin create client alice --out alice.yaml --allow 'jumpstarter_driver_*'
  # From another machine
  jmp admin get exporters --server https://lab:8082 --token-file admin.token --ca-file ca.pem")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(create::Cmd),
    Delete(delete::Cmd),
    Get(get::Cmd),
    Import(import::Cmd),
    Rotate(rotate::Cmd),
    Version(super::version::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Create(cmd) => cmd.run(line).await,
            What::Delete(cmd) => cmd.run(line).await,
            What::Get(cmd) => cmd.run(line).await,
            What::Import(cmd) => cmd.run(line).await,
            What::Rotate(cmd) => cmd.run(line).await,
            What::Version(cmd) => cmd.run(),
        }
    }
}

/// The name that a command is about. It is optional only so that its absence has the known words.
fn named(name: Option<String>, line: &CommandLine) -> Result<String, Failure> {
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => Ok(name),
        None => Err(line.refuse("Missing required argument 'NAME'.").into()),
    }
}

/// Reads `key=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!(
            "Invalid label '{text}', should be formatted as 'key=value'"
        )),
    }
}
