//! `jmp config exporter delete`: remove a file of the user's.

use super::paths;
use crate::cli::CommandLine;
use crate::ui::{Failure, Outcome, print, warn};

/// Delete the configuration file of an exporter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The exporter is no longer on this machine
  jmp config exporter delete rack-1")]
pub(super) struct Cmd {
    /// Print the path of the file
    #[arg(short, long, value_name = "FORMAT", value_parser = ["path"])]
    output: Option<String>,

    /// The exporter
    #[arg(default_value = "default")]
    alias: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, line: &CommandLine) -> Outcome {
        let paths = paths(&self.alias, line)?;
        let (alias, own) = (&self.alias, paths.own.display());
        let system = paths.system.display();
        if !paths.own.exists() {
            return Err(Failure::Error(if paths.system.exists() {
                format!(
                    "Exporter config '{alias}' exists only in the system location '{system}' \
                     and cannot be deleted."
                )
            } else {
                format!("exporter \"{alias}\" does not exist")
            }));
        }
        std::fs::remove_file(&paths.own)
            .map_err(|error| Failure::Error(format!("cannot delete `{own}`: {error}")))?;
        if paths.system.exists() {
            warn(&format!(
                "{own} deleted, but a system config at {system} still exists and will now be used."
            ));
        }
        if self.output.is_some() {
            print(&own.to_string())?;
        }
        Ok(0)
    }
}
