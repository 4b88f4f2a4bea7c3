//! `jmp admin create`: something new in the lab, and its configuration file.

use clap::Subcommand;
use hyper::Method;

use super::access::Access;
use super::files::{DriverOptions, OutOption, issue, write_client, write_exporter};
use super::objects::show_one;
use super::views::{Client, Exporter, Lease, NewLease, NewObject};
use super::{named, pair};
use crate::cli::CommandLine;
use crate::jmp::login::{aborted, confirm_insecure};
use crate::ui::{Failure, Format, Outcome, print, prompt};

/// Create a client, an exporter or a lease
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # An exporter; copy the file to the lab host and add its devices
  jmp admin create exporter rack-1 --label board=imx8 --out rack-1.yaml
  # A client on this machine
  jmp admin create client me --save --unsafe
  # Reserve a board for somebody
  jmp admin create lease --client alice --selector board=imx8 --duration 2h")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Create a client: somebody who leases
    Client(Box<NewClient>),
    /// Create an exporter: something to lease
    Exporter(Box<NewExporter>),
    /// Create a lease for a client
    Lease(Box<LeaseFor>),
}

#[derive(Debug, clap::Args)]
struct NewClient {
    #[command(flatten)]
    object: ObjectOptions,

    #[command(flatten)]
    drivers: DriverOptions,

    /// A label, for access policies: key=value, repeated
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,

    /// What to call it
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct NewExporter {
    #[command(flatten)]
    object: ObjectOptions,

    /// A label, which leases ask for: key=value, repeated
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair, required = true)]
    labels: Vec<(String, String)>,

    /// What to call it
    name: Option<String>,
}

/// What clients and exporters have in common.
#[derive(Debug, clap::Args)]
struct ObjectOptions {
    #[command(flatten)]
    access: Access,

    /// Write the configuration file to where `jmp` looks for it
    #[arg(short, long)]
    save: bool,

    #[command(flatten)]
    file: OutOption,

    /// External identity that may act as it: dex:alice
    #[arg(long, value_name = "NAME")]
    oidc_username: Option<String>,

    /// The file says not to verify certificates
    #[arg(short = 'k', long)]
    insecure_tls: bool,

    /// Do not ask anything
    #[arg(long)]
    nointeractive: bool,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

#[derive(Debug, clap::Args)]
struct LeaseFor {
    #[command(flatten)]
    access: Access,

    /// Whose it will be
    #[arg(long, value_name = "NAME")]
    client: String,

    /// Which exporters will do: board=imx8,!broken
    #[arg(
        short = 'l',
        long,
        default_value = "",
        required_unless_present = "exporter",
        hide_default_value = true
    )]
    selector: String,

    /// The one exporter that will do
    #[arg(long, value_name = "NAME")]
    exporter: Option<String>,

    /// How long: 1h30m
    #[arg(long)]
    duration: String,

    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,

    /// What to call it, instead of a name of the controller's choice
    name: Option<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(new) => new.run(line).await,
            What::Exporter(new) => new.run(line).await,
            What::Lease(new) => new.run(line).await,
        }
    }
}

// === impl ObjectOptions ===

impl ObjectOptions {
    /// Whether there is to be a file.
    async fn wants_file(&self, kind: &str) -> Result<bool, Failure> {
        if self.save || self.file.out.is_some() || self.nointeractive {
            return Ok(self.save || self.file.out.is_some());
        }
        let question = format!("Save {kind} configuration?");
        prompt::confirm(&question).await?.ok_or_else(aborted)
    }

    /// Says how it goes, unless a program listens.
    fn tell(&self, text: &str) -> Result<(), Failure> {
        match self.output {
            None => print(text),
            Some(_) => Ok(()),
        }
    }
}

// === impl NewClient ===

impl NewClient {
    async fn run(self, line: &CommandLine) -> Outcome {
        let name = named(self.name, line)?;
        let options = self.object;
        confirm_insecure(options.insecure_tls, !options.nointeractive).await?;
        let admin = options.access.open(line).await?;
        let namespace = admin.namespace();
        options.tell(&format!(
            "Creating client '{name}' in namespace '{namespace}'"
        ))?;
        let new = NewObject {
            name: name.clone(),
            labels: self.labels.into_iter().collect(),
            username: options.oidc_username.clone(),
        };
        let created: Client = admin.ask(Method::POST, "/clients", Some(&new)).await?;
        if options.wants_file("client").await? {
            let drivers = self.drivers.decide(true).await?;
            options.tell("Fetching client credentials")?;
            let issued = issue(&admin, "clients", &name, false).await?;
            let out = options.file.out.as_deref();
            let path = write_client(issued, drivers, options.insecure_tls, out)?;
            let path = path.display();
            options.tell(&format!(
                "Client configuration successfully saved to {path}"
            ))?;
        }
        show_one(created, options.output)?;
        Ok(0)
    }
}

// === impl NewExporter ===

impl NewExporter {
    async fn run(self, line: &CommandLine) -> Outcome {
        let name = named(self.name, line)?;
        let options = self.object;
        confirm_insecure(options.insecure_tls, !options.nointeractive).await?;
        let admin = options.access.open(line).await?;
        let namespace = admin.namespace();
        options.tell(&format!(
            "Creating exporter '{name}' in namespace '{namespace}'"
        ))?;
        let new = NewObject {
            name: name.clone(),
            labels: self.labels.into_iter().collect(),
            username: options.oidc_username.clone(),
        };
        let created: Exporter = admin.ask(Method::POST, "/exporters", Some(&new)).await?;
        if options.wants_file("exporter").await? {
            options.tell("Fetching exporter credentials")?;
            let issued = issue(&admin, "exporters", &name, false).await?;
            let out = options.file.out.as_deref();
            let path = write_exporter(issued, options.insecure_tls, out)?;
            let path = path.display();
            options.tell(&format!(
                "Exporter configuration successfully saved to {path}"
            ))?;
        }
        show_one(created, options.output)?;
        Ok(0)
    }
}

// === impl LeaseFor ===

impl LeaseFor {
    async fn run(self, line: &CommandLine) -> Outcome {
        let admin = self.access.open(line).await?;
        let new = NewLease {
            name: self.name,
            client: self.client,
            selector: self.selector,
            exporter: self.exporter,
            duration: self.duration,
        };
        let created: Lease = admin.ask(Method::POST, "/leases", Some(&new)).await?;
        show_one(created, self.output)?;
        Ok(0)
    }
}
