//! `jmp auth refresh`: a new token from what the last login left.

use crate::cli::CommandLine;
use crate::jmp::login::{RenewError, Renewed, renew, sentence};
use crate::jmp::options::ClientOptions;
use crate::ui::{Failure, Outcome, print};

/// Get a new token without logging in again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Before a long job
  jmp auth refresh")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let mut config = self.client.load(line)?;
        match renew(&mut config, false).await {
            Ok(Renewed::Found) => {}
            Ok(Renewed::Fetched(saved)) => {
                saved.map_err(|error| Failure::Error(error.to_string()))?;
            }
            Err(RenewError::Refused(error)) => return Err(Failure::Error(sentence(&error))),
            Err(error) => return Err(Failure::Error(error.to_string())),
        }
        print("Access token refreshed.")?;
        Ok(0)
    }
}
