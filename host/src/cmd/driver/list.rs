//! `jmp driver list`: every plugin on the search path, or why it is refused.

use std::path::PathBuf;

use serde::Serialize;

use crate::cmd::options::Plugins;
use crate::cmd::{Failure, Outcome};
use crate::plugin::{Listing, Registry};

use super::{Output, page, print, registry};

/// List the drivers of this machine
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(flatten)]
    plugins: Plugins,

    /// Print in this format
    #[arg(short, long, value_enum)]
    output: Option<Output>,
}

/// All that was found.
#[derive(Debug, Serialize)]
struct Drivers {
    drivers: Vec<Driver>,
    refused: Vec<Refused>,
    folders: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    category: String,
    plugin: String,
    version: String,
    path: PathBuf,
}

#[derive(Debug, Serialize)]
struct Refused {
    path: PathBuf,
    reason: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let drivers = Drivers::of(&registry(&self.plugins));
        match self.output {
            Some(output) => output.show(&drivers)?,
            None => drivers.show()?,
        }
        Ok(0)
    }
}

// === impl Drivers ===

impl Drivers {
    fn of(registry: &Registry) -> Self {
        let mut found = Self {
            drivers: Vec::new(),
            refused: Vec::new(),
            folders: registry.folders().to_vec(),
        };
        for listing in registry.list() {
            found.add(listing);
        }
        found
    }

    fn add(&mut self, listing: Listing) {
        let metadata = match listing.plugin {
            Ok(metadata) => metadata,
            Err(reason) => {
                return self.refused.push(Refused {
                    path: listing.path,
                    reason: reason.to_string(),
                });
            }
        };
        for driver in &metadata.drivers {
            self.drivers
                .extend(driver.types.iter().map(|type_name| Driver {
                    name: short_name(type_name).to_owned(),
                    r#type: type_name.clone(),
                    client: driver.client.clone(),
                    category: driver.category.clone(),
                    plugin: metadata.name.clone(),
                    version: metadata.version.clone(),
                    path: listing.path.clone(),
                }));
        }
    }

    fn show(&self) -> Result<(), Failure> {
        let mut text = if self.drivers.is_empty() {
            self.nothing()
        } else {
            let rows = self.drivers.iter().map(|driver| {
                let plugin = format!("{} {}", driver.plugin, driver.version);
                [driver.name.clone(), driver.r#type.clone(), plugin]
            });
            page::table(["NAME", "TYPE", "PLUGIN"], rows)
        };
        if !self.refused.is_empty() {
            text += "\nRefused:\n";
        }
        for refused in &self.refused {
            text += &format!("  {}\n", refused.reason);
        }
        print(&text)
    }

    fn nothing(&self) -> String {
        let mut text = "No drivers found.\n\nLooked for *.so in\n".to_owned();
        for folder in &self.folders {
            let note = if folder.exists() { "" } else { "  (not there)" };
            text += &format!("  {}{note}\n", folder.display());
        }
        text + "Put plugins into one of these folders, or name another with --plugins DIR.\n"
    }
}

/// What people call a driver: the class of its type.
fn short_name(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap_or(type_name)
}
