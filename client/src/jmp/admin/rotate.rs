//! `jmp admin rotate`: another token, because the last one is old, or somebody may have seen it.

use clap::Subcommand;

use super::access::Access;
use super::files::{OutOption, failure, issue, write_client, write_exporter};
use super::named;
use super::views::Issued;
use crate::cli::CommandLine;
use crate::config::{ClientConfig, Drivers, ExporterConfig, ExporterPaths};
use crate::oidc::same_issuer;
use crate::ui::{Failure, Outcome, print};

/// Give a client or an exporter another token; the earlier ones end after a grace
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # On the machine with the client's file
  jmp admin rotate client me --save
  # For somebody else
  jmp admin rotate client alice --out alice.yaml")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Give a client another token
    Client(Whose),
    /// Give an exporter another token
    Exporter(Whose),
}

#[derive(Debug, clap::Args)]
struct Whose {
    #[command(flatten)]
    access: Access,

    /// Write it into the configuration file, where `jmp` looks for it
    #[arg(short, long)]
    save: bool,

    #[command(flatten)]
    file: OutOption,

    /// Print only whose it is
    #[arg(short, long, value_name = "FORMAT", value_parser = ["name"])]
    output: Option<String>,

    /// Whose token
    name: Option<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(whose) => whose.run("client", line).await,
            What::Exporter(whose) => whose.run("exporter", line).await,
        }
    }
}

// === impl Whose ===

impl Whose {
    async fn run(mut self, kind: &str, line: &CommandLine) -> Outcome {
        let name = named(self.name.take(), line)?;
        self.fits(kind, &name)?;
        let admin = self.access.open(line).await?;
        let namespace = admin.namespace();
        self.tell(&format!(
            "Rotating token for {kind} '{name}' in namespace '{namespace}'"
        ))?;
        let issued = issue(&admin, &format!("{kind}s"), &name, true).await?;
        match self.output {
            None => print(&format!("Token rotated for {kind} '{name}'"))?,
            Some(_) => print(&format!("{kind}.jumpstarter.dev/{name}"))?,
        }
        if self.save || self.file.out.is_some() {
            let (kind, written) = match kind {
                "client" => ("Client", self.client(issued)),
                _ => ("Exporter", self.exporter(issued)),
            };
            written?;
            self.tell(&format!("{kind} configuration updated with new token"))?;
        }
        Ok(0)
    }

    /// Nobody gets a token into a file of somebody else.
    fn fits(&self, kind: &str, name: &str) -> Result<(), Failure> {
        let Some(path) = &self.file.out else {
            return Ok(());
        };
        let found = match kind {
            "client" => ClientConfig::load(path).map(|it| it.map(|it| it.name)),
            _ => ExporterConfig::load(path).map(|it| it.map(|it| it.name)),
        };
        match found.map_err(failure)? {
            Some(other) if other != name => Err(Failure::Error(format!(
                "`{}` is the file of `{other}`; name another with --out",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Everything else in a file that is there stays as it is.
    fn client(&self, issued: Issued) -> Result<(), Failure> {
        let usual = ClientConfig::path_of(&issued.name).map_err(failure)?;
        let out = self.file.out.as_deref();
        let there = match out.filter(|path| path.exists()) {
            Some(path) => ClientConfig::load(path),
            None => ClientConfig::load(&usual),
        };
        match there.map_err(failure)? {
            Some(mut there) => {
                // A refresh token is for whoever made the token, and not for the controller.
                let alike = |old| same_issuer(old, &issued.token);
                if !there.token.as_ref().is_some_and(alike) {
                    there.refresh_token = None;
                }
                there.token = Some(issued.token);
                there.save_to(out.unwrap_or(&usual)).map_err(failure)
            }
            None => write_client(issued, Drivers::default(), false, out).map(drop),
        }
    }

    fn exporter(&self, issued: Issued) -> Result<(), Failure> {
        let usual = ExporterPaths::of(&issued.name).map_err(failure)?.own;
        let out = self.file.out.as_deref();
        match ExporterConfig::load(out.unwrap_or(&usual)).map_err(failure)? {
            Some(mut there) => there.save_token(issued.token).map_err(failure),
            None => write_exporter(issued, false, out).map(drop),
        }
    }

    fn tell(&self, text: &str) -> Result<(), Failure> {
        match self.output {
            None => print(text),
            Some(_) => Ok(()),
        }
    }
}
