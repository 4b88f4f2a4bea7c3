//! `jmp version`: which build this is.

use super::exporter::own_folder;
use crate::ui::{Failure, Format, Outcome, print, value};

/// Show the version of this program
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Compare versions in a script
  jmp version -o json")]
pub(super) struct Cmd {
    /// Print it for programs
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// Keys in alphabetical order, because that is how the formats print them.
#[derive(serde::Serialize)]
struct Version<'a> {
    #[serde(rename = "gitVersion")]
    version: &'a str,
    implementation: &'a str,
    platform: &'a str,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        let version = Version {
            version: env!("CARGO_PKG_VERSION"),
            implementation: "rust",
            platform: &platform,
        };
        let failed = |error: &dyn std::error::Error| Failure::Error(error.to_string());
        match self.output {
            None | Some(Format::Name) => {
                let folder = own_folder().map_err(|error| failed(&error))?;
                print(&format!(
                    "Jumpstarter v{} from {} (Rust, {platform})",
                    version.version,
                    folder.display()
                ))?;
            }
            Some(format) => {
                let version = serde_json::to_value(&version).map_err(|error| failed(&error))?;
                value(&version, format)?;
            }
        }
        Ok(0)
    }
}
