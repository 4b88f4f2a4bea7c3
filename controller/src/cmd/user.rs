//! `jmp-controller user`: administrators.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueHint};
use http::Method;
use serde_json::json;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, show, table};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{IssuedToken, NewUser, Revoked, UserView};
use crate::cli::Target;
use crate::identity::files;

/// Create, show and delete administrators
///
/// Whoever owns the data folder is one without this. Others work from other machines, with a token:
/// `jmp-controller --server https://host:8082 --token-file FILE …`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Somebody who administers from another machine, with `jmp admin --kubeconfig carol.conf …`
  jmp-controller user create carol --kubeconfig carol.conf
  # She leaves
  jmp-controller user delete carol")]
pub struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an administrator, or another token for one
    Create {
        /// What to call him or her
        name: String,
        /// Write the token to this file; else it is printed
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
        /// Write everything that `jmp admin --kubeconfig` needs to this file
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with = "out",
            value_hint = ValueHint::FilePath
        )]
        kubeconfig: Option<PathBuf>,
        /// How long the token is good, as `720h`
        #[arg(long)]
        lifetime: Option<String>,
    },
    /// Show administrators
    Get {
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// End all tokens of an administrator now
    Delete {
        /// Which one
        name: String,
    },
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        block_on(async {
            // Administrators have no namespace; with one given, a remote controller need not be asked
            // for its default.
            let admin = Admin::find(target, Some("default")).await?;
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
                kubeconfig,
                lifetime,
            } => {
                let issued = create(admin, NewUser { name, lifetime }).await?;
                match (out, kubeconfig) {
                    (_, Some(path)) => keep_all(&path, &issued),
                    (Some(path), None) => keep(&path, &issued),
                    (None, None) => line(issued.token),
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

/// Writes a token to a file that only its owner can read.
pub(super) fn keep(path: &Path, issued: &IssuedToken) -> Outcome {
    files::write(path, &format!("{}\n", issued.token)).map_err(Failure::error)?;
    super::client::saved(path);
    Ok(())
}

/// Writes a kubeconfig with the endpoint, the certificates to trust and the token.
fn keep_all(path: &Path, issued: &IssuedToken) -> Outcome {
    let (name, context) = (&issued.name, &issued.namespace);
    let mut cluster = json!({"server": format!("https://{}", issued.endpoint)});
    if !issued.ca.is_empty() {
        cluster["certificate-authority-data"] = json!(issued.ca);
    }
    let file = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "contexts": [{
            "name": context,
            "context": {"cluster": context, "user": name, "namespace": issued.namespace},
        }],
        "users": [{"name": name, "user": {"token": issued.token}}],
    });
    let text = serde_yaml::to_string(&file).map_err(Failure::error)?;
    files::write(path, &text).map_err(Failure::error)?;
    super::client::saved(path);
    Ok(())
}
