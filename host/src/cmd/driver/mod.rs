//! `jmp driver`: what plugins there are, what they offer, and whether they behave.

mod check;
mod inspect;
mod list;
mod page;
mod probe;
mod schema;
mod version;

use std::io::Write;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::config::ExporterConfig;
use crate::plugin::Registry;

use super::options::Plugins;
use super::{Failure, Outcome};

/// Show, examine and try driver plugins
#[derive(Debug, clap::Args)]
pub struct Cmd {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Cmd),
    Inspect(inspect::Cmd),
    Check(check::Cmd),
    Version(version::Cmd),
    #[command(hide = true)]
    Probe(probe::Cmd),
}

/// How to print what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
    Yaml,
}

// === impl Cmd ===

impl Cmd {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self.command {
            Command::List(cmd) => cmd.run(),
            Command::Inspect(cmd) => cmd.run(),
            Command::Check(cmd) => cmd.run(),
            Command::Version(cmd) => cmd.run(),
            Command::Probe(cmd) => cmd.run(),
        }
    }
}

// === impl Output ===

impl Output {
    fn show(self, data: &impl Serialize) -> Result<(), Failure> {
        match self {
            Self::Json => {
                let text = serde_json::to_string_pretty(data).map_err(Failure::error)?;
                print(&format!("{text}\n"))
            }
            Self::Yaml => print(&serde_yaml::to_string(data).map_err(Failure::error)?),
        }
    }
}

/// The plugins on the search path, without those that a configuration adds.
fn registry(plugins: &Plugins) -> Registry {
    plugins.registry(&ExporterConfig::default())
}

fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::error)
}
