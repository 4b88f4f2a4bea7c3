//! `jmp-controller key`: the keys that sign tokens.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use http::Method;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, show, table, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{ImportedKey, KeyView};
use crate::cli::Target;

/// Show, replace and take over keys that sign tokens
///
/// The newest key signs; the ones before it verify what they signed until they are forgotten. They are
/// files in the data folder, and in every backup.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Somebody may have seen the data folder: another key, new tokens for everybody, and the old key away
  jmp-controller key rotate
  jmp-controller token rotate client alice > alice.token
  jmp-controller key forget 1-5f0c2ae1
  # Let clients and exporters of a controller in Kubernetes go on with the tokens they have
  kubectl exec deploy/jumpstarter-controller -- curl -sk https://127.0.0.1:8085/jwks > jwks.json
  jmp-controller key import kubernetes --file jwks.json")]
pub struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the keys, without the keys themselves
    List {
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Make another key, which signs from now on
    Rotate,
    /// Delete a key that does not sign any more; tokens that it signed are worth nothing then
    Forget {
        /// Which one, see `key list`
        id: String,
    },
    /// Take over the public key of another controller, whose tokens are good here from then on
    Import {
        /// What to call it
        name: String,

        /// The key as PEM, or what the `/jwks` of that controller answers
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,

        /// The issuer in its tokens
        #[arg(long, value_name = "URL", default_value = "https://localhost:8085")]
        issuer: String,

        /// The audience in its tokens
        #[arg(long, default_value = "jumpstarter")]
        audience: String,
    },
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        block_on(async {
            // Keys have no namespace; with one given, a remote controller need not be asked for its
            // default.
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
            Self::List { output } => {
                let all: Vec<KeyView> = admin.call(Method::GET, "/keys", NOTHING).await?;
                let ids: Vec<&str> = all.iter().map(|key| key.id.as_str()).collect();
                let rows = all.iter().map(|key| {
                    let what = match (&key.issuer, key.signs) {
                        (Some(issuer), _) => format!("verifies tokens of {issuer}"),
                        (None, true) => "signs".to_owned(),
                        (None, false) => "verifies what it signed".to_owned(),
                    };
                    [key.id.clone(), what]
                });
                show(output, &all, &ids.join("\n"), || {
                    table(["ID", "WHAT"], rows)
                })
            }
            Self::Rotate => {
                let key: KeyView = admin.call(Method::POST, "/keys", NOTHING).await?;
                tell("From now on this key signs; those before it verify what they signed.");
                line(key.id)
            }
            Self::Forget { id } => {
                let path = format!("/keys/{}", segment(&id)?);
                admin.call::<()>(Method::DELETE, &path, NOTHING).await?;
                line(format_args!("Forgot key '{id}'"))
            }
            Self::Import {
                name,
                file,
                issuer,
                audience,
            } => {
                let public_key = std::fs::read_to_string(&file).map_err(|error| {
                    Failure::Error(format!("cannot read `{}`: {error}", file.display()))
                })?;
                let body = ImportedKey {
                    issuer,
                    audience,
                    public_key,
                };
                let path = format!("/keys/{}", segment(&name)?);
                let key: KeyView = admin.call(Method::PUT, &path, Some(&body)).await?;
                let issuer = key.issuer.unwrap_or_default();
                line(format_args!("Imported key '{name}' of {issuer}"))
            }
        }
    }
}
