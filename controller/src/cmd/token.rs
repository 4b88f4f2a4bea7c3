//! `jmp-controller token`: the tokens of clients and exporters.

use clap::Subcommand;
use http::Method;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, show, table};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{IssuedToken, NewToken, Revoked, TokenView};
use crate::cli::Target;

/// Issue, show, rotate and revoke tokens
///
/// A token is shown once, when it is issued; nobody keeps it but its owner.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # A token for a build server, for a month
  jmp-controller token issue client ci --lifetime 720h
  # Somebody may have seen it: another one, and the earlier ones end now
  jmp-controller token rotate client ci --grace 0s
  # A laptop was stolen
  jmp-controller token revoke client alice")]
pub struct Cmd {
    /// The namespace; else the one of the configuration
    #[arg(short, long, global = true)]
    namespace: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the tokens of somebody, without the tokens themselves
    List {
        /// Whose: a client, or an exporter
        #[arg(value_enum)]
        kind: Kind,
        /// The name
        name: String,
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Print a new token; the others stay good
    Issue {
        /// Whose: a client, or an exporter
        #[arg(value_enum)]
        kind: Kind,
        /// The name
        name: String,
        /// How long it is good, as `720h`
        #[arg(long)]
        lifetime: Option<String>,
    },
    /// Print a new token; the others end after a grace
    Rotate {
        /// Whose: a client, or an exporter
        #[arg(value_enum)]
        kind: Kind,
        /// The name
        name: String,
        /// How long it is good, as `720h`
        #[arg(long)]
        lifetime: Option<String>,
        /// How long the others are still good, as `10m`
        #[arg(long)]
        grace: Option<String>,
    },
    /// End one token, or all of somebody, now
    Revoke {
        /// Whose: a client, or an exporter
        #[arg(value_enum)]
        kind: Kind,
        /// The name
        name: String,
        /// Only the one with this id
        id: Option<String>,
    },
}

/// Whose tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Client,
    Exporter,
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

// === impl Kind ===

impl Kind {
    fn path(self, name: &str) -> Result<String, Failure> {
        let plural = match self {
            Self::Client => "clients",
            Self::Exporter => "exporters",
        };
        Ok(format!("/{plural}/{}/tokens", segment(name)?))
    }
}

// === impl What ===

impl What {
    async fn run(self, admin: &Admin) -> Outcome {
        match self {
            Self::List { kind, name, output } => {
                let all: Vec<TokenView> =
                    admin.ask(Method::GET, &kind.path(&name)?, NOTHING).await?;
                let ids: Vec<&str> = all.iter().map(|token| token.id.as_str()).collect();
                show(output, &all, &ids.join("\n"), || rows(&all))
            }
            Self::Issue {
                kind,
                name,
                lifetime,
            } => {
                let new = NewToken {
                    lifetime,
                    ..NewToken::default()
                };
                issue(admin, &kind.path(&name)?, &new).await
            }
            Self::Rotate {
                kind,
                name,
                lifetime,
                grace,
            } => {
                let new = NewToken {
                    lifetime,
                    rotate: true,
                    grace,
                };
                issue(admin, &kind.path(&name)?, &new).await
            }
            Self::Revoke { kind, name, id } => {
                let mut path = kind.path(&name)?;
                if let Some(id) = id {
                    path = format!("{path}/{}", segment(&id)?);
                }
                let Revoked { revoked } = admin.ask(Method::DELETE, &path, NOTHING).await?;
                line(format_args!("Revoked {revoked} of the tokens of '{name}'"))
            }
        }
    }
}

async fn issue(admin: &Admin, path: &str, new: &NewToken) -> Outcome {
    let issued: IssuedToken = admin.ask(Method::POST, path, Some(new)).await?;
    line(issued.token)
}

/// A table with a line for each token.
pub(super) fn rows(tokens: &[TokenView]) -> String {
    let rows = tokens.iter().map(|token| {
        let state = match (&token.revoked, token.good) {
            (None, true) => "good".to_owned(),
            (None, false) => "over".to_owned(),
            (Some(end), true) => format!("good until {end}"),
            // Revoked from the beginning, whenever that was done.
            (Some(end), false) if *end == token.issued => "revoked".to_owned(),
            (Some(end), false) => format!("revoked {end}"),
        };
        [
            token.id.clone(),
            token.issued.clone(),
            token.expires.clone(),
            state,
        ]
    });
    table(["ID", "ISSUED", "EXPIRES", "STATE"], rows)
}
