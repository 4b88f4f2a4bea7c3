//! `jmp config exporter list`: which exporters this machine has files for.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::config::{API_VERSION, ExporterConfig};
use crate::jmp::config::failure;
use crate::ui::{Format, Outcome, Resource, Table, show, warn};

/// Show the exporters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What can `jmp run --exporter` run?
  jmp config exporter list")]
pub(super) struct Cmd {
    /// Print it for programs; JSON and YAML include the tokens
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

struct Exporters(Vec<(PathBuf, ExporterConfig)>);

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let mut all = Vec::new();
        for path in ExporterConfig::files().map_err(failure)? {
            match ExporterConfig::load(&path) {
                Ok(Some(config)) => all.push((path, config)),
                Ok(None) => {}
                // One bad file does not hide the others.
                Err(error) => warn(&error.to_string()),
            }
        }
        show(&Exporters(all), self.output)?;
        Ok(0)
    }
}

impl Resource for Exporters {
    fn json(&self) -> Value {
        let items = self.0.iter().map(|(path, config)| {
            let mut item = Map::new();
            item.insert("alias".to_owned(), json!(config.alias));
            item.extend(config.describe());
            item.insert("path".to_owned(), json!(path.display().to_string()));
            Value::Object(item)
        });
        json!({
            "apiVersion": API_VERSION,
            "items": items.collect::<Vec<_>>(),
            "kind": "ExporterConfigList",
        })
    }

    fn names(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(_, config)| config.alias.clone())
            .collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["ALIAS", "PATH"]);
        for (path, config) in &self.0 {
            table.row(vec![config.alias.clone(), path.display().to_string()]);
        }
        table
    }
}
