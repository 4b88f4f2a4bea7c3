//! `jmp get exporters`: what there is to lease.

use crate::cli::CommandLine;
use crate::config::ClientConfig;
use crate::jmp::catalog::{Columns, Exporters, Shown, deprecations};
use crate::jmp::clients::{Clients, Listing};
use crate::jmp::login::again;
use crate::jmp::options::{ClientOptions, PageOption, SelectorOption};
use crate::ui::{Failure, Format, Outcome, show, warn};

/// Show the exporters that can be leased
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which boards are there, and who has them?
  jmp get exporters --with status,leases
  # Names only, for a script
  jmp get exporters -l board=imx8 -o name")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,

    #[command(flatten)]
    selector: SelectorOption,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Show more: `leases`, `online`, `status`; comma-separated or repeated
    #[arg(long, value_name = "FIELDS")]
    with: Vec<String>,

    /// Show labels that the controller hides
    #[arg(long)]
    show_hidden_labels: bool,

    /// Show disabled exporters, too
    #[arg(long)]
    allow_disabled: bool,

    #[command(flatten)]
    page: PageOption,
}

const FIELDS: [&str; 3] = ["leases", "online", "status"];

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let with = fields(&self.with).map_err(|why| line.refuse(why))?;
        let has = |field| with.iter().any(|it| it == field);
        let columns = Columns {
            enabled: self.allow_disabled,
            online: has("online"),
            status: has("status"),
            leases: has("leases"),
        };
        let selector = self.selector.joined().unwrap_or_default();
        let (hidden, page_size) = (self.show_hidden_labels, self.page.get());
        let mut config = self.client.load(line)?;
        let exporters = again(&mut config, async |config| {
            list(config, &selector, hidden, columns, page_size).await
        })
        .await?;
        for (name, exporter) in exporters.all() {
            for (label, is_deprecated) in deprecations(&exporter.deprecated_labels) {
                warn(&format!(
                    "label '{label}' on exporter '{name}' {is_deprecated}"
                ));
            }
        }
        show(&exporters, self.output)?;
        Ok(0)
    }
}

async fn list(
    config: &ClientConfig,
    selector: &str,
    hidden: bool,
    columns: Columns,
    page_size: i32,
) -> Result<Exporters, Failure> {
    let clients = Clients::new(config)?;
    let exporters = clients.exporters(selector, hidden, page_size).await?;
    let mut leases = Vec::new();
    if columns.leases {
        let listing = Listing {
            filter: "",
            tag_filter: "",
            only_active: true,
            page_size,
        };
        for lease in clients.leases(listing).await? {
            leases.push(Shown::new(lease)?);
        }
    }
    Exporters::new(exporters, leases, columns)
}

/// The fields that `--with` asks for, or what is wrong with it.
fn fields(words: &[String]) -> Result<Vec<String>, String> {
    let words = words.iter().flat_map(|word| word.split(','));
    let words: Vec<String> = words
        .map(|word| word.trim().to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let mut unknown: Vec<&str> = Vec::new();
    for word in &words {
        if !FIELDS.contains(&word.as_str()) && !unknown.contains(&word.as_str()) {
            unknown.push(word);
        }
    }
    if unknown.is_empty() {
        return Ok(words);
    }
    let quoted: Vec<String> = unknown.iter().map(|word| format!("'{word}'")).collect();
    Err(format!(
        "Invalid value for '--with': Invalid value(s) [{}]. Allowed values are: {}",
        quoted.join(", "),
        FIELDS.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Vec<String>, String> {
        fields(
            &words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn fields_are_written_in_many_ways() {
        let both = Ok(vec!["leases".to_owned(), "online".to_owned()]);
        assert_eq!(parse(&["leases,online"]), both);
        assert_eq!(parse(&[" Leases", "", "ONLINE,"]), both);
        assert_eq!(parse(&[]), Ok(vec![]));
        assert_eq!(
            parse(&["x,leases,y,x"]).unwrap_err(),
            "Invalid value for '--with': Invalid value(s) ['x', 'y']. \
             Allowed values are: leases, online, status"
        );
    }
}
