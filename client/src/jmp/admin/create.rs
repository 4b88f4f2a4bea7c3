//! `jmp admin create`: something new in the lab, and its configuration file.

use clap::Subcommand;
use hyper::Method;
use serde::de::DeserializeOwned;

use super::access::Access;
use super::files::{DriverOptions, OutOption, issue, write_client, write_exporter};
use super::objects::{Object, show_one};
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
            What::Client(new) => {
                let NewClient {
                    object,
                    drivers,
                    labels,
                    name,
                } = *new;
                let drivers = Some(drivers);
                object.create::<Client>(name, labels, drivers, line).await
            }
            What::Exporter(new) => {
                let NewExporter {
                    object,
                    labels,
                    name,
                } = *new;
                object.create::<Exporter>(name, labels, None, line).await
            }
            What::Lease(new) => new.run(line).await,
        }
    }
}

// === impl ObjectOptions ===

impl ObjectOptions {
    /// Makes it, and its file if there is to be one; that of a client says which `drivers` it may
    /// use.
    async fn create<T: Object + DeserializeOwned>(
        self,
        name: Option<String>,
        labels: Vec<(String, String)>,
        drivers: Option<DriverOptions>,
        line: &CommandLine,
    ) -> Outcome {
        let name = named(name, line)?;
        let kind = T::KIND.to_ascii_lowercase();
        confirm_insecure(self.insecure_tls, !self.nointeractive).await?;
        let admin = self.access.open(line).await?;
        let namespace = admin.namespace();
        self.tell(&format!(
            "Creating {kind} '{name}' in namespace '{namespace}'"
        ))?;
        let new = NewObject {
            name: name.clone(),
            labels: labels.into_iter().collect(),
            username: self.oidc_username.clone(),
        };
        let path = format!("/{kind}s");
        let created: T = admin.ask(Method::POST, &path, Some(&new)).await?;
        if self.wants_file(&kind).await? {
            let drivers = match drivers {
                Some(drivers) => Some(drivers.decide(true).await?),
                None => None,
            };
            self.tell(&format!("Fetching {kind} credentials"))?;
            let issued = issue(&admin, &format!("{kind}s"), &name, false).await?;
            let (insecure, out) = (self.insecure_tls, self.file.out.as_deref());
            let path = match drivers {
                Some(drivers) => write_client(issued, drivers, insecure, out)?,
                None => write_exporter(issued, insecure, out)?,
            };
            self.tell(&format!(
                "{} configuration successfully saved to {}",
                T::KIND,
                path.display()
            ))?;
        }
        show_one(created, self.output)?;
        Ok(0)
    }

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
