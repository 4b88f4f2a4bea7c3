//! `jmp get leases`: one's own, or everybody's.

use crate::cli::CommandLine;
use crate::config::ClientConfig;
use crate::jmp::catalog::{Leases, Shown, deprecations};
use crate::jmp::clients::{Clients, Listing};
use crate::jmp::filter::Filter;
use crate::jmp::login::again;
use crate::jmp::options::{ClientOptions, PageOption, SelectorOption};
use crate::ui::{Failure, Format, Outcome, show, warn};

/// Show leases
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Mine
  jmp get leases
  # Everybody's, ended ones included
  jmp get leases --all --all-clients
  # Those of one CI job
  jmp get leases --tag-filter build=1234 -o name")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,

    #[command(flatten)]
    selector: SelectorOption,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Show leases that ended, too
    #[arg(short, long)]
    all: bool,

    /// Show the leases of all clients
    #[arg(short = 'A', long)]
    all_clients: bool,

    /// Only those with these tags: `build=1234`
    #[arg(long, value_name = "SELECTOR")]
    tag_filter: Option<String>,

    #[command(flatten)]
    page: PageOption,
}

/// Which leases are meant.
#[derive(Debug)]
pub(in crate::jmp) struct Wanted<'a> {
    pub(in crate::jmp) selector: Option<&'a str>,
    pub(in crate::jmp) tag_filter: &'a str,
    pub(in crate::jmp) only_active: bool,
    pub(in crate::jmp) all_clients: bool,
    pub(in crate::jmp) page_size: i32,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let selector = self.selector.joined();
        let wanted = Wanted {
            selector: selector.as_deref(),
            tag_filter: self.tag_filter.as_deref().unwrap_or_default(),
            only_active: !self.all,
            all_clients: self.all_clients,
            page_size: self.page.get(),
        };
        let mut config = self.client.load(line)?;
        let leases = again(&mut config, async |config| {
            find(&Clients::new(config)?, config, &wanted).await
        });
        let leases = leases.await?;
        for shown in &leases {
            for (label, is_deprecated) in deprecations(&shown.lease.deprecated_labels) {
                let name = &shown.name.name;
                warn(&format!(
                    "selector label '{label}' on lease '{name}' {is_deprecated}"
                ));
            }
        }
        show(&Leases(leases), self.output)?;
        Ok(0)
    }
}

/// The leases that are meant.
pub(in crate::jmp) async fn find(
    clients: &Clients,
    config: &ClientConfig,
    wanted: &Wanted<'_>,
) -> Result<Vec<Shown>, Failure> {
    let filter = Filter::parse(wanted.selector.unwrap_or_default());
    let listing = Listing {
        filter: &filter.for_controller(),
        tag_filter: wanted.tag_filter,
        only_active: wanted.only_active,
        page_size: wanted.page_size,
    };
    let mut found = Vec::new();
    for lease in clients.leases(listing).await? {
        let shown = Shown::new(lease)?;
        let mine = wanted.all_clients || shown.client == config.name;
        if mine && filter.means(&shown.lease.selector) {
            found.push(shown);
        }
    }
    Ok(found)
}
