//! `jmp-controller export` and `import`: what a lab consists of, as YAML.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use http::Method;
use serde_json::json;

use super::admin::{Admin, NOTHING};
use super::documents::{Skipped, read, write};
use super::output::{line, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{Everything, Imported};
use crate::cli::Target;

/// Print clients, exporters, policies and open leases of all namespaces
///
/// One document each, the same as in Kubernetes. Tokens are not in it, nor are keys: a backup has them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Into a file, for another controller or a version control
  jmp-controller export > lab.yaml
  # The names of all exporters
  jmp-controller export -o json | jq -r '.items[] | select(.kind == \"Exporter\").metadata.name'")]
pub struct Export {
    /// Print one JSON list instead
    #[arg(short, long, value_name = "FORMAT", value_parser = ["json", "yaml"])]
    output: Option<String>,
}

/// Make the objects of an export, or of a lab in Kubernetes; those that are there stay as they are
///
/// Nothing is made before everything has been understood, and policies are made first. Leases that have not ended are asked for
/// anew. Tokens of the former controller are good here once its key was imported: see
/// `jmp-controller key import --help`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # From another controller
  jmp-controller import lab.yaml
  # From Kubernetes
  kubectl get clients,exporters,exporteraccesspolicies -o yaml | jmp-controller import")]
pub struct Import {
    /// Files with the documents; `-` or nothing is stdin
    #[arg(value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,

    /// The namespace of objects that name none; else the one of the configuration
    #[arg(short, long)]
    namespace: Option<String>,

    /// Replace access policies of the same name; everything else that is there stays all the same
    #[arg(long)]
    replace: bool,
}

// === impl Export ===

impl Export {
    pub(super) fn run(self, target: &Target) -> Outcome {
        let all = block_on(async {
            let admin = Admin::find(target, Some("default")).await?;
            let all = admin
                .call::<Everything>(Method::GET, "/export", NOTHING)
                .await;
            admin.close().await;
            all
        })?;
        let documents = write(&all);
        if self.output.as_deref() == Some("json") {
            let list = json!({"apiVersion": "v1", "items": documents, "kind": "List"});
            return line(serde_json::to_string_pretty(&list).map_err(Failure::error)?);
        }
        let mut texts = Vec::new();
        for document in &documents {
            texts.push(serde_yaml::to_string(document).map_err(Failure::error)?);
        }
        match texts.is_empty() {
            true => Ok(()),
            false => line(texts.join("---\n").trim_end()),
        }
    }
}

// === impl Import ===

impl Import {
    pub(super) fn run(mut self, target: &Target) -> Outcome {
        if self.files.is_empty() {
            if std::io::stdin().is_terminal() {
                let why = "Name a file, or pipe documents into it".to_owned();
                return Err(Failure::Usage(why));
            }
            self.files.push(PathBuf::from("-"));
        }
        block_on(async {
            let admin = Admin::find(target, self.namespace.as_deref()).await?;
            let done = self.import(&admin).await;
            admin.close().await;
            done
        })
    }

    async fn import(&self, admin: &Admin) -> Outcome {
        let mut all = Everything::default();
        for path in &self.files {
            let failed = |error: &dyn std::fmt::Display| {
                Failure::Error(format!("cannot use `{}`: {error}", path.display()))
            };
            let text = text(path).map_err(|error| failed(&error))?;
            let (found, skipped) =
                read(&text, admin.namespace()).map_err(|error| failed(&error))?;
            for Skipped(what) in skipped {
                tell(format_args!("{what} is nothing of a lab"));
            }
            all.clients.extend(found.clients);
            all.exporters.extend(found.exporters);
            all.policies.extend(found.policies);
            all.leases.extend(found.leases);
        }
        let path = match self.replace {
            true => "/import?replace=true",
            false => "/import",
        };
        let imported = admin.call::<Imported>(Method::POST, path, Some(&all));
        let Imported {
            created,
            skipped,
            replaced,
        } = imported.await?;
        for what in &skipped {
            tell(format_args!("{what} is there already"));
        }
        for what in &replaced {
            line(format_args!("{what} replaced"))?;
        }
        for what in &created {
            line(format_args!("{what} created"))?;
        }
        Ok(())
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}
