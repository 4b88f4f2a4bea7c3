//! `jmp-controller check`: says what is wrong with a configuration, without running any of it.

use std::path::PathBuf;

use super::output::line;
use super::{Failure, Outcome};
use crate::cli::Target;
use crate::config::Config;

/// Check a configuration: every mistake at once
///
/// Nothing is changed or listened on. Settings from the environment count, as they do for `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Before a restart
  jmp-controller check && systemctl restart jmp-controller
  # A file that is not used yet
  jmp-controller check controller.yaml")]
pub struct Cmd {
    /// The configuration; else the one that `run` would use
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        let file = match self.file {
            Some(file) => Some(file),
            None => target.file()?,
        };
        let config = Config::examine(file.as_deref()).map_err(Failure::error)?;
        let folder = target.folder(&config)?;
        let name = match &config.path {
            Some(path) => path.display().to_string(),
            None => "no configuration file, all as usual".to_owned(),
        };
        line(format_args!(
            "{name}: ok (namespace {}, controller {}, router {}, data in {})",
            config.namespace,
            config.public.grpc,
            config.router_endpoints().join(" "),
            folder.path().display(),
        ))
    }
}
