//! `jmp update`: change a lease.

mod lease;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::ui::Outcome;

/// Change a lease
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Lease(lease::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Lease(cmd) => cmd.run(line).await,
        }
    }
}
