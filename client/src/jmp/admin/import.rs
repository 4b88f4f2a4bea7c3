//! `jmp admin import`: the configuration file of something that is there already.

use clap::Subcommand;

use super::access::Access;
use super::files::{DriverOptions, OutOption, failure, issue, write_client, write_exporter};
use super::named;
use crate::cli::CommandLine;
use crate::config::{ClientConfig, ExporterPaths};
use crate::jmp::login::confirm_insecure;
use crate::ui::{Failure, Outcome, print};

/// Write the configuration file of a client or exporter that is there already
///
/// It gets a token of its own; those that were issued before stay good.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The client of a second machine
  jmp admin import client alice --out alice-laptop.yaml --nointeractive
  # The exporter's file is lost
  jmp admin import exporter rack-1 --out rack-1.yaml")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the configuration file of a client
    Client(Client),
    /// Write the configuration file of an exporter
    Exporter(Exporter),
}

#[derive(Debug, clap::Args)]
struct Client {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    drivers: DriverOptions,
}

#[derive(Debug, clap::Args)]
struct Exporter {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    file: OutOption,

    /// The file says not to verify certificates
    #[arg(short = 'k', long)]
    insecure_tls: bool,

    /// Do not ask anything
    #[arg(long)]
    nointeractive: bool,

    /// Print the path of the file
    #[arg(short, long, value_name = "FORMAT", value_parser = ["path"])]
    output: Option<String>,

    /// Whose file
    name: Option<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(client) => client.run(line).await,
            What::Exporter(exporter) => exporter.run(line).await,
        }
    }
}

// === impl Client ===

impl Client {
    async fn run(self, line: &CommandLine) -> Outcome {
        let mut common = self.common;
        let name = named(common.name.take(), line)?;
        if common.file.out.is_none() && ClientConfig::path_of(&name).map_err(failure)?.exists() {
            let why = format!("A client with the name '{name}' already exists");
            return Err(Failure::Error(why));
        }
        confirm_insecure(common.insecure_tls, !common.nointeractive).await?;
        let admin = common.access.open(line).await?;
        let drivers = self.drivers.decide(!common.nointeractive).await?;
        common.tell("Fetching client credentials")?;
        let issued = issue(&admin, "clients", &name, false).await?;
        let out = common.file.out.as_deref();
        let path = write_client(issued, drivers, common.insecure_tls, out)?;
        common.conclude("Client", &path)
    }
}

// === impl Exporter ===

impl Exporter {
    async fn run(self, line: &CommandLine) -> Outcome {
        let mut common = self.common;
        let name = named(common.name.take(), line)?;
        let usual = ExporterPaths::of(&name).map_err(failure)?.own;
        if common.file.out.is_none() && usual.exists() {
            let why = format!("An exporter with the name '{name}' already exists");
            return Err(Failure::Error(why));
        }
        confirm_insecure(common.insecure_tls, !common.nointeractive).await?;
        let admin = common.access.open(line).await?;
        common.tell("Fetching exporter credentials")?;
        let issued = issue(&admin, "exporters", &name, false).await?;
        let path = write_exporter(issued, common.insecure_tls, common.file.out.as_deref())?;
        common.conclude("Exporter", &path)
    }
}

// === impl Common ===

impl Common {
    fn tell(&self, text: &str) -> Result<(), Failure> {
        match self.output {
            None => print(text),
            Some(_) => Ok(()),
        }
    }

    fn conclude(&self, kind: &str, path: &std::path::Path) -> Outcome {
        let path = path.display();
        match self.output {
            None => print(&format!(
                "{kind} configuration successfully saved to {path}"
            ))?,
            Some(_) => print(&path.to_string())?,
        }
        Ok(0)
    }
}
