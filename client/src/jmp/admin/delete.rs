//! `jmp admin delete`: something goes, with its tokens and leases, and perhaps its file.

use clap::Subcommand;
use hyper::Method;

use super::access::Access;
use super::api::{NOTHING, segment};
use super::files::failure;
use super::named;
use crate::cli::CommandLine;
use crate::config::{ClientConfig, ExporterPaths, UserConfig};
use crate::jmp::login::aborted;
use crate::ui::{Failure, Outcome, print, prompt, warn};

/// Delete a client or an exporter, or end a lease
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Somebody left; their leases end, and their tokens are worth nothing from now on
  jmp admin delete client alice --nointeractive
  # Somebody forgot to give a board back
  jmp admin delete lease 019ab0c4-93a5-7cc8-b0a2-5f4c8f1f3c11")]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Delete a client with its tokens, and end its leases
    Client(Object),
    /// Delete an exporter with its tokens, and end its lease
    Exporter(Object),
    /// End a lease now, whoever has it
    Lease(Lease),
}

#[derive(Debug, clap::Args)]
struct Object {
    #[command(flatten)]
    access: Access,

    /// Delete its configuration file on this machine, too
    #[arg(short, long)]
    delete: bool,

    /// Do not ask anything
    #[arg(long)]
    nointeractive: bool,

    /// Print only what it was called
    #[arg(short, long, value_name = "FORMAT", value_parser = ["name"])]
    output: Option<String>,

    /// The one to delete
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Lease {
    #[command(flatten)]
    access: Access,

    /// Print only what it is called
    #[arg(short, long, value_name = "FORMAT", value_parser = ["name"])]
    output: Option<String>,

    /// The one to end
    name: Option<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Client(object) => object.client(line).await,
            What::Exporter(object) => object.exporter(line).await,
            What::Lease(lease) => lease.run(line).await,
        }
    }
}

// === impl Object ===

impl Object {
    async fn client(mut self, line: &CommandLine) -> Outcome {
        let name = self.gone("client", line).await?;
        let path = ClientConfig::path_of(&name).map_err(failure)?;
        if path.exists() && self.may_delete("Delete client configuration?").await? {
            let user = UserConfig::load_or_create().map_err(failure)?;
            if user.current_client.as_ref() == Some(&name) {
                UserConfig::choose(None).map_err(failure)?;
            }
            remove(&path)?;
            self.tell("Client configuration successfully deleted")?;
        }
        Ok(0)
    }

    async fn exporter(mut self, line: &CommandLine) -> Outcome {
        let name = self.gone("exporter", line).await?;
        let paths = ExporterPaths::of(&name).map_err(failure)?;
        if paths.own.exists() {
            if self.may_delete("Delete exporter configuration?").await? {
                remove(&paths.own)?;
                self.tell("Exporter configuration successfully deleted")?;
            }
        } else if paths.system.exists() && self.output.is_none() {
            warn(&format!(
                "a system config at {} was not removed and may still be used by the exporter.",
                paths.system.display()
            ));
        }
        Ok(0)
    }

    /// Deletes it at the controller; answers its name.
    async fn gone(&mut self, kind: &str, line: &CommandLine) -> Result<String, Failure> {
        let name = named(self.name.take(), line)?;
        let admin = self.access.open(line).await?;
        let path = format!("/{kind}s/{}", segment(&name)?);
        admin.ask::<()>(Method::DELETE, &path, NOTHING).await?;
        match self.output {
            None => {
                let namespace = admin.namespace();
                print(&format!(
                    "Deleted {kind} '{name}' in namespace '{namespace}'"
                ))?;
            }
            Some(_) => print(&format!("{kind}.jumpstarter.dev/{name}"))?,
        }
        Ok(name)
    }

    async fn may_delete(&self, question: &str) -> Result<bool, Failure> {
        if self.delete || self.nointeractive {
            return Ok(self.delete);
        }
        prompt::confirm(question).await?.ok_or_else(aborted)
    }

    fn tell(&self, text: &str) -> Result<(), Failure> {
        match self.output {
            None => print(text),
            Some(_) => Ok(()),
        }
    }
}

// === impl Lease ===

impl Lease {
    async fn run(self, line: &CommandLine) -> Outcome {
        let name = named(self.name, line)?;
        let admin = self.access.open(line).await?;
        let path = format!("/leases/{}", segment(&name)?);
        let _ended: super::views::Lease = admin.ask(Method::DELETE, &path, NOTHING).await?;
        match self.output {
            None => {
                let namespace = admin.namespace();
                print(&format!(
                    "Released lease '{name}' in namespace '{namespace}'"
                ))?;
            }
            Some(_) => print(&format!("lease.jumpstarter.dev/{name}"))?,
        }
        Ok(0)
    }
}

fn remove(path: &std::path::Path) -> Result<(), Failure> {
    std::fs::remove_file(path)
        .map_err(|error| Failure::Error(format!("cannot delete `{}`: {error}", path.display())))
}
