//! `jmp-controller client`: the clients, which lease.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use http::Method;
use jumpstarter_client::Secret;
use jumpstarter_client::config::{ClientConfig, UserConfig};

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, labels, line, pair, show, table, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{Alteration, ClientView, IssuedToken, NewObject, NewToken};
use crate::cli::Target;

/// Create, show, change and delete clients
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # For this machine: the file goes to where `jmp` looks for it
  jmp-controller client create me --save --unsafe
  # For somebody else, who puts it into ~/.config/jumpstarter/clients
  jmp-controller client create alice --label team=boot --out alice.yaml --allow 'jumpstarter_driver_*'
  # Labels are what access policies ask for
  jmp-controller client label alice team=kernel intern-")]
pub struct Cmd {
    /// The namespace; else the one of the configuration
    #[arg(short, long, global = true)]
    namespace: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a client, and its configuration file with --save or --out
    Create(Create),
    /// Write a configuration file with a new token for a client that is there
    Import(Import),
    /// Show clients
    Get {
        /// Only this one
        name: Option<String>,
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Set labels (`key=value`), or remove them (`key-`)
    Label {
        /// Which one
        name: String,
        /// What to change
        #[arg(required = true)]
        labels: Vec<String>,
    },
    /// Delete a client with its tokens, and end its leases
    Delete {
        /// Which one
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What to call it
    name: String,

    /// A label, `key=value`
    #[arg(short, long = "label", value_parser = pair)]
    labels: Vec<(String, String)>,

    /// External identity that may act as it, as `dex:alice`
    #[arg(long)]
    oidc_username: Option<String>,

    #[command(flatten)]
    file: File,

    /// Print it for programs
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

#[derive(Debug, clap::Args)]
struct Import {
    /// Which one
    name: String,

    #[command(flatten)]
    file: File,
}

/// What stands in a configuration file, and where it is.
#[derive(Debug, clap::Args)]
struct File {
    /// Write the configuration to where `jmp` looks for it
    #[arg(short, long, conflicts_with = "out")]
    save: bool,

    /// Write the configuration to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Driver clients that may be used, separated by commas
    #[arg(short, long, value_delimiter = ',')]
    allow: Vec<String>,

    /// Use whatever driver client there is
    #[arg(long = "unsafe")]
    any: bool,

    /// Trust any certificate
    #[arg(short = 'k', long)]
    insecure_tls: bool,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        block_on(async {
            let admin = Admin::find(target, self.namespace.as_deref()).await?;
            let done = self.what.run(&admin).await;
            admin.close().await;
            done
        })
    }
}

// === impl What ===

impl What {
    async fn run(self, admin: &Admin) -> Outcome {
        match self {
            Self::Create(create) => create.run(admin).await,
            Self::Import(import) => import.file.write(admin, &import.name, true).await,
            Self::Get { name: None, output } => {
                let all: Vec<ClientView> = admin.ask(Method::GET, "/clients", NOTHING).await?;
                let names: Vec<String> = all.iter().map(name_of).collect();
                show(output, &all, &names.join("\n"), || rows(&all))
            }
            Self::Get {
                name: Some(name),
                output,
            } => {
                let path = format!("/clients/{}", segment(&name)?);
                let client: ClientView = admin.ask(Method::GET, &path, NOTHING).await?;
                show(output, &client, &name_of(&client), || rows([&client]))
            }
            Self::Label { name, labels } => {
                let path = format!("/clients/{}", segment(&name)?);
                let change = Alteration {
                    labels: changes(&labels)?,
                    ..Alteration::default()
                };
                let client: ClientView = admin.ask(Method::PATCH, &path, Some(&change)).await?;
                line(rows([&client]).trim_end())
            }
            Self::Delete { name } => {
                let path = format!("/clients/{}", segment(&name)?);
                admin.ask::<()>(Method::DELETE, &path, NOTHING).await?;
                line(format_args!(
                    "Deleted client '{name}' in namespace '{}'",
                    admin.namespace()
                ))
            }
        }
    }
}

fn name_of(client: &ClientView) -> String {
    format!("client.jumpstarter.dev/{}", client.name)
}

fn rows<'a>(clients: impl IntoIterator<Item = &'a ClientView>) -> String {
    let rows = clients.into_iter().map(|client| {
        [
            client.name.clone(),
            client.endpoint.clone(),
            labels(&client.labels),
            client.username.clone().unwrap_or_default(),
        ]
    });
    table(["NAME", "ENDPOINT", "LABELS", "USERNAME"], rows)
}

/// Reads changes of labels: `key=value` sets, `key-` removes.
pub(super) fn changes(
    words: &[String],
) -> Result<std::collections::BTreeMap<String, Option<String>>, Failure> {
    let change = |word: &String| match word.strip_suffix('-') {
        Some(key) if !key.contains('=') => Ok((key.to_owned(), None)),
        _ => {
            let (key, value) = pair(word).map_err(Failure::Usage)?;
            Ok((key, Some(value)))
        }
    };
    words.iter().map(change).collect()
}

// === impl Create ===

impl Create {
    async fn run(self, admin: &Admin) -> Outcome {
        let new = NewObject {
            name: self.name.clone(),
            labels: self.labels.into_iter().collect(),
            username: self.oidc_username,
            ..NewObject::default()
        };
        let client: ClientView = admin.ask(Method::POST, "/clients", Some(&new)).await?;
        tell(format_args!(
            "Created client '{}' in namespace '{}'",
            client.name, client.namespace
        ));
        self.file.write(admin, &self.name, false).await?;
        show(self.output, &client, &name_of(&client), || rows([&client]))
    }
}

// === impl File ===

impl File {
    /// Issues a token and writes the configuration file, if options ask for one; with `wanted`, they must.
    async fn write(self, admin: &Admin, name: &str, wanted: bool) -> Outcome {
        let path = match (self.out, self.save) {
            (Some(path), _) => path,
            (None, true) => ClientConfig::path_of(name).map_err(Failure::error)?,
            (None, false) if wanted => {
                return Err(Failure::Usage(
                    "Say where to write it: --save or --out FILE".to_owned(),
                ));
            }
            (None, false) => {
                tell(format_args!(
                    "Its configuration file: jmp-controller client import {name} --out FILE"
                ));
                return Ok(());
            }
        };
        let issued = issue(admin, "clients", name).await?;
        let mut config = ClientConfig::new(name, Some(issued.namespace), issued.name);
        config.endpoint = Some(issued.endpoint);
        config.tls.ca = issued.ca;
        config.tls.insecure = self.insecure_tls;
        config.token = Some(Secret::new(issued.token));
        config.drivers.allow = self.allow;
        config.drivers.any = self.any;
        let save = self.save;
        config.save_to(&path).map_err(Failure::error)?;
        saved(&path);
        if save {
            make_current(&config)?;
        }
        Ok(())
    }
}

/// Issues a further token; the others stay valid.
pub(super) async fn issue(admin: &Admin, plural: &str, name: &str) -> Result<IssuedToken, Failure> {
    let path = format!("/{plural}/{}/tokens", segment(name)?);
    admin
        .ask(Method::POST, &path, Some(&NewToken::default()))
        .await
}

pub(super) fn saved(path: &Path) {
    tell(format_args!("Configuration written to {}", path.display()));
}

/// Makes the client the current one, if the user has no other.
fn make_current(config: &ClientConfig) -> Outcome {
    let files = ClientConfig::files().map_err(Failure::error)?;
    if files.len() == 1 {
        UserConfig::choose(Some(&config.alias)).map_err(Failure::error)?;
    }
    Ok(())
}
