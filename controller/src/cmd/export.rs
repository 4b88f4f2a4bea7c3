//! `jmp-controller export` and `import`: what a lab consists of, as JSON.

use std::path::PathBuf;

use http::Method;

use super::admin::{Admin, NOTHING};
use super::output::{line, tell};
use super::{Failure, Outcome, block_on};
use crate::admin::types::{Everything, Imported};
use crate::cli::Place;

/// Print clients, exporters and policies of all namespaces, without leases and tokens
#[derive(Debug, clap::Args)]
pub struct Export {}

/// Make the clients, exporters and policies of an export; those that are there stay as they are
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The export
    file: PathBuf,
}

// === impl Export ===

impl Export {
    pub(super) fn run(self, place: &Place) -> Outcome {
        block_on(async {
            let admin = Admin::find(place, Some("default")).await?;
            let all = admin
                .call::<Everything>(Method::GET, "/export", NOTHING)
                .await;
            admin.close().await;
            line(serde_json::to_string_pretty(&all?).map_err(Failure::error)?)
        })
    }
}

// === impl Import ===

impl Import {
    pub(super) fn run(self, place: &Place) -> Outcome {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::Error(format!("cannot use `{}`: {error}", self.file.display()))
        };
        let text = std::fs::read_to_string(&self.file).map_err(|error| failed(&error))?;
        let all: Everything = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        block_on(async {
            let admin = Admin::find(place, Some("default")).await?;
            let imported = admin
                .call::<Imported>(Method::POST, "/import", Some(&all))
                .await;
            admin.close().await;
            let Imported { created, skipped } = imported?;
            for what in &skipped {
                tell(format_args!("{what} is there already"));
            }
            for what in &created {
                line(format_args!("{what} created"))?;
            }
            Ok(())
        })
    }
}
