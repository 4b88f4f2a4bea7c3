//! `jmp-controller policy`: access policies, in the files of the reference.

use std::io::Read;
use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use serde::Deserialize;

use super::admin::{Admin, NOTHING, segment};
use super::output::{Format, line, show, table};
use super::{Failure, Outcome, block_on};
use crate::admin::PolicySpec;
use crate::admin::types::PolicyView;
use crate::cli::Target;

/// Apply, show and delete access policies
///
/// Without any policy everybody may use everything. With one, an exporter is used only by those to whom
/// a rule grants it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # From files, the same as in Kubernetes
  jmp-controller policy apply policies/*.yaml
  # Out of a lab in Kubernetes
  kubectl get exporteraccesspolicy team -o yaml | jmp-controller policy apply -
  # Who may use what?
  jmp-controller policy get -o yaml")]
pub struct Cmd {
    /// The namespace; else the one of the file, else the one of the configuration
    #[arg(short, long, global = true)]
    namespace: Option<String>,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make policies, or replace those of the same names
    Apply {
        /// Files with ExporterAccessPolicy documents; `-` is stdin
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Show policies
    Get {
        /// Only this one
        name: Option<String>,
        /// Print it for programs
        #[arg(short, long, value_enum, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Delete a policy; without any, everybody may use everything
    Delete {
        /// Which one
        name: String,
    },
}

/// A document in a file.
#[derive(Debug, Deserialize)]
struct Document {
    kind: String,
    metadata: Metadata,
    spec: PolicySpec,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        block_on(async {
            let admin = Admin::find(target, self.namespace.as_deref()).await?;
            let done = self.what.run(&admin, self.namespace.is_some()).await;
            admin.close().await;
            done
        })
    }
}

// === impl What ===

impl What {
    async fn run(self, admin: &Admin, named: bool) -> Outcome {
        match self {
            Self::Apply { files } => {
                // All files are read before anything changes.
                let mut all = Vec::new();
                for file in files {
                    all.extend(read(&file)?);
                }
                for document in all {
                    let namespace = document.metadata.namespace.filter(|_| !named);
                    let namespace = namespace.as_deref().unwrap_or(admin.namespace());
                    let name = &document.metadata.name;
                    let path = format!(
                        "/namespaces/{}/policies/{}",
                        segment(namespace)?,
                        segment(name)?
                    );
                    let put = admin.call::<PolicyView>(Method::PUT, &path, Some(&document.spec));
                    put.await?;
                    line(format_args!(
                        "exporteraccesspolicy.jumpstarter.dev/{name} applied"
                    ))?;
                }
                Ok(())
            }
            Self::Get { name, output } => {
                let all: Vec<PolicyView> = match name {
                    None => admin.ask(Method::GET, "/policies", NOTHING).await?,
                    Some(name) => {
                        let path = format!("/policies/{}", segment(&name)?);
                        vec![admin.ask(Method::GET, &path, NOTHING).await?]
                    }
                };
                let names: Vec<&str> = all.iter().map(|policy| policy.name.as_str()).collect();
                let rows = all.iter().map(|policy| {
                    let rules = policy.spec.policies.iter();
                    let told: Vec<&str> = rules.map(|rule| rule.description.as_str()).collect();
                    let count = policy.spec.policies.len().to_string();
                    [policy.name.clone(), count, told.join("; ")]
                });
                show(output, &all, &names.join("\n"), || {
                    table(["NAME", "RULES", "DESCRIPTIONS"], rows)
                })
            }
            Self::Delete { name } => {
                let path = format!("/policies/{}", segment(&name)?);
                admin.ask::<()>(Method::DELETE, &path, NOTHING).await?;
                line(format_args!(
                    "Deleted policy '{name}' in namespace '{}'",
                    admin.namespace()
                ))
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<Document>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Error(format!("cannot use `{}`: {error}", path.display()))
    };
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| failed(&error))?;
    } else {
        text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    }
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let value = serde_yaml::Value::deserialize(document).map_err(|error| failed(&error))?;
        if value.is_null() {
            continue;
        }
        let document: Document = serde_yaml::from_value(value).map_err(|error| failed(&error))?;
        if document.kind != "ExporterAccessPolicy" {
            return Err(failed(&format_args!(
                "`{}` is a {}, not an ExporterAccessPolicy",
                document.metadata.name, document.kind
            )));
        }
        document.spec.read().map_err(|why| failed(&why))?;
        all.push(document);
    }
    Ok(all)
}
