//! `jmp config`: the files of clients and exporters.

mod client;
mod exporter;

use clap::Subcommand;

use crate::cli::CommandLine;
use crate::config::ConfigError;
use crate::ui::{Failure, Outcome};

/// Manage the configuration files of clients and exporters
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Client(client::Cmd),
    Exporter(exporter::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(cmd) => cmd.run().await,
            What::Exporter(cmd) => cmd.run(line).await,
        }
    }
}

fn failure(error: ConfigError) -> Failure {
    Failure::Error(match &error {
        ConfigError::Missing { .. } => {
            format!("File not found. Verify the path and retry. Details: {error}")
        }
        _ => error.to_string(),
    })
}
