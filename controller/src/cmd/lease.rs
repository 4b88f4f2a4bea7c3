//! `jmp-controller lease`: the leases of all clients.

use clap::Subcommand;
use http::Method;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, pair, show, table};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{LeaseAlteration, LeaseView, NewLeaseBody};
use crate::cli::Target;

/// Create, show, change and release leases
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Who has what, and who waits for what?
  jmp-controller lease get
  # A board for somebody, tomorrow
  jmp-controller lease create alice -l board=imx8 -d 2h --begin 2026-11-23T08:00:00Z
  # Somebody forgot to give it back
  jmp-controller lease release 019ab0c4-93a5-7cc8-b0a2-5f4c8f1f3c11")]
pub struct Cmd {
    /// The namespace; else the one of the configuration
    #[arg(short, long, global = true)]
    namespace: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a lease for a client
    Create(Create),
    /// Show leases
    Get {
        /// Only this one
        name: Option<String>,
        /// Also those that have ended
        #[arg(short, long)]
        all: bool,
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Hand a lease over to another client
    Transfer {
        /// Which lease
        name: String,
        /// Whose it will be
        client: String,
    },
    /// Say anew how long a lease is
    Extend {
        /// Which lease
        name: String,
        /// How long in all, as `2h30m`
        duration: String,
    },
    /// End leases now
    Release {
        /// Which leases
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Whose it will be
    client: String,

    /// Which exporters will do, as `board=rpi`
    #[arg(
        short = 'l',
        long,
        default_value = "",
        required_unless_present = "exporter"
    )]
    selector: String,

    /// The one exporter that will do
    #[arg(long)]
    exporter: Option<String>,

    /// The exporter may be disabled
    #[arg(long, requires = "exporter")]
    allow_disabled: bool,

    /// How long, as `2h30m`
    #[arg(short, long)]
    duration: Option<String>,

    /// Not before, as `2026-11-22T08:00:00Z`
    #[arg(long)]
    begin: Option<String>,

    /// Not after, as `2026-11-22T08:00:00Z`
    #[arg(long)]
    end: Option<String>,

    /// The name it shall have
    #[arg(long)]
    name: Option<String>,

    /// For finding it again, `key=value`
    #[arg(long = "tag", value_parser = pair)]
    tags: Vec<(String, String)>,

    /// Print it for programs
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
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
            Self::Get { name, all, output } => {
                let found: Vec<LeaseView> = match name {
                    None => {
                        let path = format!("/leases?ended={all}");
                        admin.ask(Method::GET, &path, NOTHING).await?
                    }
                    Some(name) => vec![admin.ask(Method::GET, &path(&name)?, NOTHING).await?],
                };
                let names: Vec<String> = found.iter().map(name_of).collect();
                show(output, &found, &names.join("\n"), || rows(&found))
            }
            Self::Transfer { name, client } => {
                let change = LeaseAlteration {
                    client: Some(client),
                    ..LeaseAlteration::default()
                };
                alter(admin, &name, change).await
            }
            Self::Extend { name, duration } => {
                let change = LeaseAlteration {
                    duration: Some(duration),
                    ..LeaseAlteration::default()
                };
                alter(admin, &name, change).await
            }
            Self::Release { names } => {
                for name in names {
                    let path = path(&name)?;
                    admin
                        .ask::<LeaseView>(Method::DELETE, &path, NOTHING)
                        .await?;
                    line(format_args!("Released lease '{name}'"))?;
                }
                Ok(())
            }
        }
    }
}

fn path(name: &str) -> Result<String, Failure> {
    Ok(format!("/leases/{}", segment(name)?))
}

async fn alter(admin: &Admin, name: &str, change: LeaseAlteration) -> Outcome {
    let lease: LeaseView = admin
        .ask(Method::PATCH, &path(name)?, Some(&change))
        .await?;
    line(rows([&lease]).trim_end())
}

fn name_of(lease: &LeaseView) -> String {
    format!("lease.jumpstarter.dev/{}", lease.name)
}

fn rows<'a>(leases: impl IntoIterator<Item = &'a LeaseView>) -> String {
    let rows = leases.into_iter().map(|lease| {
        let why = lease.conditions.last().map(|last| last.reason.clone());
        [
            lease.name.clone(),
            lease.client.clone(),
            match lease.selector.as_str() {
                "" => lease.pinned.clone().unwrap_or_default(),
                selector => selector.to_owned(),
            },
            lease.exporter.clone().unwrap_or_default(),
            lease.state.clone(),
            why.unwrap_or_default(),
            lease.began.clone().unwrap_or_default(),
            lease.ended.clone().unwrap_or_default(),
        ]
    });
    let head = [
        "NAME", "CLIENT", "SELECTOR", "EXPORTER", "STATE", "REASON", "BEGAN", "ENDED",
    ];
    table(head, rows)
}

// === impl Create ===

impl Create {
    async fn run(self, admin: &Admin) -> Outcome {
        let new = NewLeaseBody {
            name: self.name,
            client: self.client,
            selector: self.selector,
            exporter: self.exporter,
            allow_disabled: self.allow_disabled,
            duration: self.duration,
            begin: self.begin,
            end: self.end,
            tags: self.tags.into_iter().collect(),
            ..NewLeaseBody::default()
        };
        let lease: LeaseView = admin.ask(Method::POST, "/leases", Some(&new)).await?;
        show(self.output, &lease, &name_of(&lease), || rows([&lease]))
    }
}
