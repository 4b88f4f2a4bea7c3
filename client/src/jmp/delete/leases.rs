//! `jmp delete leases`: these, those that match, or all of them.

use crate::cli::CommandLine;
use crate::config::ClientConfig;
use crate::jmp::clients::Clients;
use crate::jmp::get::leases::{Wanted, find};
use crate::jmp::login::again;
use crate::jmp::options::{ClientOptions, SelectorOption};
use crate::ui::{Failure, Outcome, print};

/// Give leases back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # One
  jmp delete lease my-lease
  # All of mine that are active
  jmp delete leases --all")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,

    #[command(flatten)]
    selector: SelectorOption,

    /// All of your active leases
    #[arg(short, long)]
    all: bool,

    /// Active leases of all clients
    #[arg(short = 'A', long)]
    all_clients: bool,

    /// Print names only
    #[arg(short, long, value_name = "FORMAT", value_parser = ["name"])]
    output: Option<String>,

    /// The leases
    #[arg(num_args = 0..)]
    names: Vec<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let mut config = self.client.load(line)?;
        let selector = self.selector.joined();
        if self.names.is_empty() && selector.is_none() && !self.all && !self.all_clients {
            let message = "One of NAMES, --selector, --all or --all-clients must be specified";
            return Err(Failure::Error(message.to_owned()));
        }
        let wanted = Wanted {
            selector: selector.as_deref(),
            tag_filter: "",
            only_active: true,
            all_clients: self.all_clients,
            page_size: 100,
        };
        let short = self.output.is_some();
        again(&mut config, async |config| {
            delete(config, &self.names, &wanted, short).await
        })
        .await?;
        Ok(0)
    }
}

async fn delete(
    config: &ClientConfig,
    names: &[String],
    wanted: &Wanted<'_>,
    short: bool,
) -> Result<(), Failure> {
    let clients = Clients::new(config)?;
    let found = match names {
        [] => {
            let found = find(&clients, config, wanted).await?;
            found.into_iter().map(|lease| lease.name.name).collect()
        }
        names => names.to_vec(),
    };
    if found.is_empty() {
        let message = "no leases found matching the criteria";
        return Err(Failure::Error(message.to_owned()));
    }
    for name in found {
        clients.delete_lease(&name).await?;
        if short {
            print(&name)?;
        } else {
            print(&format!("lease \"{name}\" deleted"))?;
        }
    }
    Ok(())
}
