//! `jmp config exporter edit`: the file, in the user's editor.

use tokio::process::Command;

use super::paths;
use crate::cli::CommandLine;
use crate::env;
use crate::ui::{Failure, Outcome};

/// Edit the configuration file of an exporter
///
/// The editor is the one in VISUAL or EDITOR, else `vi`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Add a device, and look for mistakes
  jmp config exporter edit rack-1
  jmp check --exporter rack-1")]
pub(super) struct Cmd {
    /// The exporter
    #[arg(default_value = "default")]
    alias: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let paths = paths(&self.alias, line)?;
        let path = [paths.own, paths.system]
            .into_iter()
            .find(|path| path.exists());
        let path = path
            .ok_or_else(|| Failure::Error(format!("exporter \"{}\" does not exist", self.alias)))?;
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(env::text);
        let editor = editor.unwrap_or_else(|| "vi".to_owned());
        // A shell, because the variables may hold options, too.
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{editor} \"$1\""))
            .arg("sh")
            .arg(&path);
        let status = command.status().await;
        let status =
            status.map_err(|error| Failure::Error(format!("cannot run `{editor}`: {error}")))?;
        if status.success() {
            Ok(0)
        } else {
            Err(Failure::Error(format!(
                "{editor}: Editing failed: {status}"
            )))
        }
    }
}
