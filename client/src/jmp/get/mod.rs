//! `jmp get`: exporters and leases.

mod exporters;
pub(super) mod leases;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::ui::Outcome;

/// Show exporters or leases
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Exporters(exporters::Cmd),
    Leases(leases::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Exporters(cmd) => cmd.run(line).await,
            What::Leases(cmd) => cmd.run(line).await,
        }
    }
}
