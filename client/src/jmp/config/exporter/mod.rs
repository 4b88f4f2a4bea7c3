//! `jmp config exporter`: the exporters of this user, and those of the machine.

mod create;
mod edit;
mod list;
mod remove;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::config::{ExporterPaths, check_exporter_alias};
use crate::ui::{Failure, Outcome};

/// Manage the configuration files of exporters
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(Box<create::Cmd>),
    Delete(remove::Cmd),
    Edit(edit::Cmd),
    List(list::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Create(cmd) => cmd.run(line).await,
            What::Delete(cmd) => cmd.run(line),
            What::Edit(cmd) => cmd.run(line).await,
            What::List(cmd) => cmd.run(),
        }
    }
}

/// Where the files of the exporter called `alias` are, or would be.
fn paths(alias: &str, line: &CommandLine) -> Result<ExporterPaths, Failure> {
    check_exporter_alias(alias)
        .map_err(|error| line.refuse(format!("Invalid value for '[ALIAS]': {error}")))?;
    ExporterPaths::of(alias).map_err(super::failure)
}
