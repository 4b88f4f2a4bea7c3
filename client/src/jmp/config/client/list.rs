//! `jmp config client list`: which clients there are, and which is the current one.

use serde_json::{Map, Value, json};

use super::failure;
use crate::config::{API_VERSION, ClientConfig, UserConfig};
use crate::ui::{Format, Outcome, Resource, Table, show, warn};

/// Show the clients
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which one is used when no other is named?
  jmp config client list
  # Everything, tokens included
  jmp config client list -o yaml")]
pub(super) struct Cmd {
    /// Print it for programs; JSON and YAML include the tokens
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

struct Clients {
    current: Option<String>,
    all: Vec<ClientConfig>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let user = UserConfig::load().map_err(failure)?;
        let mut all = Vec::new();
        for path in ClientConfig::files().map_err(failure)? {
            match ClientConfig::load(&path) {
                Ok(config) => all.extend(config),
                // One bad file does not hide the others.
                Err(error) => warn(&error.to_string()),
            }
        }
        let current = user.and_then(|user| user.current_client);
        let exists = |alias: &String| all.iter().any(|config| config.alias == *alias);
        let current = current.filter(exists);
        show(&Clients { current, all }, self.output)?;
        Ok(0)
    }
}

fn path(config: &ClientConfig) -> String {
    let path = config.path.as_deref();
    path.map_or_else(String::new, |path| path.display().to_string())
}

impl Resource for Clients {
    fn json(&self) -> Value {
        let items = self.all.iter().map(|config| {
            let mut item = Map::new();
            item.insert("alias".to_owned(), json!(config.alias));
            item.insert("path".to_owned(), json!(path(config)));
            item.extend(config.describe());
            Value::Object(item)
        });
        json!({
            "apiVersion": API_VERSION,
            "currentConfig": self.current,
            "items": items.collect::<Vec<_>>(),
            "kind": "ClientConfigList",
        })
    }

    fn names(&self) -> Vec<String> {
        self.all.iter().map(|config| config.alias.clone()).collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["CURRENT", "ALIAS", "ENDPOINT", "PATH"]);
        for config in &self.all {
            let current = self.current.as_ref() == Some(&config.alias);
            table.row(vec![
                if current { "*" } else { "" }.to_owned(),
                config.alias.clone(),
                config.endpoint.clone().unwrap_or_default(),
                path(config),
            ]);
        }
        table
    }
}
