//! `jmp-controller exporter`: the exporters, which are leased.

use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use jumpstarter_client::Secret;
use jumpstarter_client::config::{ExporterConfig, ExporterPaths};

use super::admin::{Admin, NOTHING, segment};
use super::client::{changes, issue, saved};
use super::output::{Format, labels, line, pair, show, table, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{Alteration, ExporterView, NewObject};
use crate::cli::Target;

/// Create, show, change and delete exporters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Copy the file to the lab host, and add its drivers under `export:`
  jmp-controller exporter create rack-1 --label board=imx8 --out rack-1.yaml
  # Is it there, and what does it have?
  jmp-controller exporter get
  jmp-controller exporter get rack-1 --devices
  # Out of order: leases by selector do not take it, leases that have it go on
  jmp-controller exporter disable rack-1")]
pub struct Cmd {
    /// The namespace; else the one of the configuration
    #[arg(short, long, global = true)]
    namespace: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an exporter, and its configuration file with --save or --out
    Create(Create),
    /// Write a configuration file with a new token for an exporter that is there
    Import(Import),
    /// Show exporters
    Get {
        /// Only this one
        name: Option<String>,
        /// A line for each device
        #[arg(short, long)]
        devices: bool,
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
    /// Let leases by selector take it
    Enable {
        /// Which one
        name: String,
    },
    /// Keep leases by selector from it
    Disable {
        /// Which one
        name: String,
    },
    /// Delete an exporter with its tokens, and end its lease
    Delete {
        /// Which one
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What to call it
    name: String,

    /// A label, `key=value`; what leases ask for
    #[arg(short, long = "label", value_parser = pair, required = true)]
    labels: Vec<(String, String)>,

    /// External identity that may act as it
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

/// Where the configuration file is.
#[derive(Debug, clap::Args)]
struct File {
    /// Write the configuration to where `jmp run` looks for it
    #[arg(short, long, conflicts_with = "out")]
    save: bool,

    /// Write the configuration to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

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
            Self::Get {
                name,
                devices,
                output,
            } => {
                let all: Vec<ExporterView> = match name {
                    None => admin.ask(Method::GET, "/exporters", NOTHING).await?,
                    Some(name) => {
                        let path = format!("/exporters/{}", segment(&name)?);
                        vec![admin.ask(Method::GET, &path, NOTHING).await?]
                    }
                };
                let names: Vec<String> = all.iter().map(name_of).collect();
                show(output, &all, &names.join("\n"), || match devices {
                    true => device_rows(&all),
                    false => rows(&all),
                })
            }
            Self::Label { name, labels } => {
                let change = Alteration {
                    labels: changes(&labels)?,
                    ..Alteration::default()
                };
                alter(admin, &name, change).await
            }
            Self::Enable { name } => enable(admin, &name, true).await,
            Self::Disable { name } => enable(admin, &name, false).await,
            Self::Delete { name } => {
                let path = format!("/exporters/{}", segment(&name)?);
                admin.ask::<()>(Method::DELETE, &path, NOTHING).await?;
                line(format_args!(
                    "Deleted exporter '{name}' in namespace '{}'",
                    admin.namespace()
                ))
            }
        }
    }
}

async fn enable(admin: &Admin, name: &str, enabled: bool) -> Outcome {
    let change = Alteration {
        enabled: Some(enabled),
        ..Alteration::default()
    };
    alter(admin, name, change).await
}

async fn alter(admin: &Admin, name: &str, change: Alteration) -> Outcome {
    let path = format!("/exporters/{}", segment(name)?);
    let exporter: ExporterView = admin.ask(Method::PATCH, &path, Some(&change)).await?;
    line(rows([&exporter]).trim_end())
}

fn name_of(exporter: &ExporterView) -> String {
    format!("exporter.jumpstarter.dev/{}", exporter.name)
}

fn status(exporter: &ExporterView) -> String {
    let status = exporter
        .status
        .clone()
        .unwrap_or_else(|| "Unknown".to_owned());
    match exporter.enabled {
        true => status,
        false => format!("{status},Disabled"),
    }
}

fn rows<'a>(exporters: impl IntoIterator<Item = &'a ExporterView>) -> String {
    let rows = exporters.into_iter().map(|exporter| {
        [
            exporter.name.clone(),
            status(exporter),
            exporter.endpoint.clone(),
            exporter.devices.len().to_string(),
            labels(&exporter.labels),
            exporter.lease.clone().unwrap_or_default(),
        ]
    });
    table(
        ["NAME", "STATUS", "ENDPOINT", "DEVICES", "LABELS", "LEASE"],
        rows,
    )
}

fn device_rows(exporters: &[ExporterView]) -> String {
    let rows = exporters.iter().flat_map(|exporter| {
        exporter.devices.iter().map(|device| {
            [
                exporter.name.clone(),
                status(exporter),
                labels(&device.labels),
                device.uuid.clone(),
            ]
        })
    });
    table(["NAME", "STATUS", "LABELS", "UUID"], rows)
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
        let exporter: ExporterView = admin.ask(Method::POST, "/exporters", Some(&new)).await?;
        tell(format_args!(
            "Created exporter '{}' in namespace '{}'",
            exporter.name, exporter.namespace
        ));
        self.file.write(admin, &self.name, false).await?;
        show(self.output, &exporter, &name_of(&exporter), || {
            rows([&exporter])
        })
    }
}

// === impl File ===

impl File {
    /// Issues a token and writes the configuration file, if options ask for one; with `wanted`, they must.
    async fn write(self, admin: &Admin, name: &str, wanted: bool) -> Outcome {
        let path = match (self.out, self.save) {
            (Some(path), _) => path,
            (None, true) => ExporterPaths::of(name).map_err(Failure::error)?.own,
            (None, false) if wanted => {
                return Err(Failure::Usage(
                    "Say where to write it: --save or --out FILE".to_owned(),
                ));
            }
            (None, false) => {
                tell(format_args!(
                    "Its configuration file: jmp-controller exporter import {name} --out FILE"
                ));
                return Ok(());
            }
        };
        // The drivers in an existing file stay there.
        let there = ExporterConfig::load(&path).map_err(Failure::error)?;
        let issued = issue(admin, "exporters", name).await?;
        let token = Secret::new(issued.token);
        if let Some(mut there) = there {
            let same = there.name == issued.name
                && there.namespace.as_deref() == Some(&issued.namespace)
                && there.endpoint.as_deref() == Some(&issued.endpoint)
                && there.tls.ca == issued.ca;
            if !same {
                return Err(Failure::Error(format!(
                    "`{}` is the file of another exporter, or of this one elsewhere; move it away, \
                     or name another with --out",
                    path.display()
                )));
            }
            there.save_token(token).map_err(Failure::error)?;
        } else {
            let mut config = ExporterConfig::new(name, Some(issued.namespace), issued.name);
            config.endpoint = Some(issued.endpoint);
            config.tls.ca = issued.ca;
            config.tls.insecure = self.insecure_tls;
            config.token = Some(token);
            config.save_to(&path).map_err(Failure::error)?;
        }
        saved(&path);
        Ok(())
    }
}
