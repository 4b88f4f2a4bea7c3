//! `jmp delete`: give leases back.

mod leases;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::ui::Outcome;

/// Delete leases
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Leases(leases::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Leases(cmd) => cmd.run(line).await,
        }
    }
}
