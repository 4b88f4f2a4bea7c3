//! `jmp version`: which build this is.

use clap::ValueEnum;

use super::exporter::own_folder;
use crate::ui::{Failure, Outcome, print};

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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
    Name,
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
        let text = match self.output {
            None | Some(Format::Name) => {
                let folder = own_folder().map_err(|error| Failure::Error(error.to_string()))?;
                format!(
                    "Jumpstarter v{} from {} (Rust, {platform})",
                    version.version,
                    folder.display()
                )
            }
            Some(Format::Json) => json(&version)?,
            // An empty line follows, as after all YAML that `jmp` prints.
            Some(Format::Yaml) => serde_yaml::to_string(&version)
                .map_err(|error| Failure::Error(error.to_string()))?,
        };
        print(&text)?;
        Ok(0)
    }
}

fn json(version: &Version<'_>) -> Result<String, Failure> {
    use serde::Serialize;
    let mut out = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, indent);
    version
        .serialize(&mut serializer)
        .map_err(|error| Failure::Error(error.to_string()))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
