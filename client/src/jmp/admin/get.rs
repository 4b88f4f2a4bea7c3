//! `jmp admin get`: what there is.

use clap::Subcommand;
use hyper::Method;

use super::access::Access;
use super::api::{NOTHING, segment};
use super::objects::{show_all, show_one};
use super::views::{Client, Exporter, Lease};
use crate::cli::CommandLine;
use crate::ui::{Format, Outcome, print, terminal_width};

/// Show clients, exporters or leases
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which exporters are there, and with which devices?
  jmp admin get exporters
  jmp admin get exporters --devices
  # Who has what?
  jmp admin get leases")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show clients
    Client(Which),
    /// Show exporters
    Exporter(Exporters),
    /// Show leases, also those that have ended
    Lease(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    access: Access,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// Only this one
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Exporters {
    #[command(flatten)]
    which: Which,

    /// Show each of their devices
    #[arg(short, long)]
    devices: bool,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(which) => which.show::<Client>("clients", "", line).await,
            What::Lease(which) => which.show::<Lease>("leases", "?ended=true", line).await,
            What::Exporter(exporters) if exporters.devices && exporters.which.output.is_none() => {
                exporters.devices(line).await
            }
            What::Exporter(exporters) => {
                let which = exporters.which;
                which.show::<Exporter>("exporters", "", line).await
            }
        }
    }
}

// === impl Which ===

impl Which {
    async fn show<T>(self, plural: &str, query: &str, line: &CommandLine) -> Outcome
    where
        T: super::objects::Object + serde::de::DeserializeOwned,
    {
        let admin = self.access.open(line).await?;
        if let Some(name) = &self.name {
            let path = format!("/{plural}/{}", segment(name)?);
            let found: T = admin.ask(Method::GET, &path, NOTHING).await?;
            show_one(found, self.output)?;
        } else {
            let path = format!("/{plural}{query}");
            let found: Vec<T> = admin.ask(Method::GET, &path, NOTHING).await?;
            show_all(&found, admin.namespace(), self.output)?;
        }
        Ok(0)
    }
}

// === impl Exporters ===

impl Exporters {
    async fn devices(self, line: &CommandLine) -> Outcome {
        let admin = self.which.access.open(line).await?;
        let found: Vec<Exporter> = match &self.which.name {
            Some(name) => {
                let path = format!("/exporters/{}", segment(name)?);
                vec![admin.ask(Method::GET, &path, NOTHING).await?]
            }
            None => admin.ask(Method::GET, "/exporters", NOTHING).await?,
        };
        let table = Exporter::devices(&found);
        if table.is_empty() {
            let namespace = admin.namespace();
            print(&format!("No resources found in {namespace} namespace."))?;
        } else {
            print(&table.lines(terminal_width()).join("\n"))?;
        }
        Ok(0)
    }
}
