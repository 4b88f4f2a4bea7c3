//! `jmp-controller user`: those who may administer.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use http::Method;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, show, table};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{IssuedToken, NewUser, Revoked, UserView};
use crate::cli::Place;
use crate::identity::files;

/// Create, show and delete administrators
///
/// Whoever owns the data folder is one without this. Others work from other machines, with a token:
/// `jmp-controller --server https://host:8082 --token-file FILE …`
#[derive(Debug, clap::Args)]
pub struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an administrator, or another token for one
    Create {
        name: String,
        /// Write the token to this file; else it is printed
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How long the token is good, as `720h`
        #[arg(long)]
        lifetime: Option<String>,
    },
    /// Show administrators
    Get {
        #[arg(short, long, value_enum)]
        output: Option<Format>,
    },
    /// End all tokens of an administrator now
    Delete { name: String },
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, place: &Place) -> Outcome {
        block_on(async {
            // Administrators have no namespace; this only keeps a remote controller from being asked.
            let admin = Admin::find(place, Some("default")).await?;
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
            Self::Create {
                name,
                out,
                lifetime,
            } => {
                let issued = create(admin, NewUser { name, lifetime }).await?;
                match out {
                    Some(path) => keep(&path, &issued),
                    None => line(issued.token),
                }
            }
            Self::Get { output } => {
                let all: Vec<UserView> = admin.call(Method::GET, "/users", NOTHING).await?;
                let names: Vec<&str> = all.iter().map(|user| user.name.as_str()).collect();
                let rows = all.iter().map(|user| {
                    let good = user.tokens.iter().filter(|token| token.good).count();
                    [user.name.clone(), good.to_string()]
                });
                show(output, &all, &names.join("\n"), || {
                    table(["NAME", "GOOD TOKENS"], rows)
                })
            }
            Self::Delete { name } => {
                let path = format!("/users/{}", segment(&name)?);
                let Revoked { revoked } = admin.call(Method::DELETE, &path, NOTHING).await?;
                line(format_args!(
                    "Revoked {revoked} tokens of administrator '{name}'"
                ))
            }
        }
    }
}

pub(super) async fn create(admin: &Admin, user: NewUser) -> Result<IssuedToken, Failure> {
    admin.call(Method::POST, "/users", Some(&user)).await
}

/// Writes a token down, for nobody else to read.
pub(super) fn keep(path: &Path, issued: &IssuedToken) -> Outcome {
    files::write(path, &format!("{}\n", issued.token)).map_err(Failure::error)?;
    super::client::saved(path);
    Ok(())
}
