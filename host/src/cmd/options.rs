//! Options that several commands take.

use std::path::PathBuf;

use crate::config::{self, ExporterConfig};
use crate::plugin::{LoadOptions, Registry, Search, state_dir};

use super::Failure;

/// Each plugin answers all calls to its drivers with so many threads of its own.
const PLUGIN_THREADS: u32 = 1;

/// Which configuration to use.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// Use the exporter configuration with this name
    #[arg(long, value_name = "ALIAS")]
    exporter: Option<String>,

    /// Use this exporter configuration file
    #[arg(long, value_name = "PATH")]
    exporter_config: Option<PathBuf>,
}

/// Where drivers come from.
#[derive(Debug, clap::Args)]
pub(super) struct Plugins {
    /// Look for driver plugins in this folder first (may be repeated)
    #[arg(long = "plugins", value_name = "DIR")]
    folders: Vec<PathBuf>,

    /// Load plugins even if other users could have changed them
    #[arg(long)]
    insecure_plugins: bool,
}

// === impl Source ===

impl Source {
    /// Finds and reads the configuration.
    pub(super) fn load(&self) -> Result<ExporterConfig, Failure> {
        let path = match (&self.exporter, &self.exporter_config) {
            (None, None) => {
                return Err(Failure::Usage(
                    "Invalid value: one of --exporter, --exporter-config should be specified"
                        .into(),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Failure::Usage(
                    "Invalid value: only one of --exporter, --exporter-config should be specified"
                        .into(),
                ));
            }
            (Some(alias), None) => config::find(alias).map_err(unusable)?,
            (None, Some(path)) => path.clone(),
        };
        config::load(&path).map_err(unusable)
    }
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::Error(format!("Failed to load config: {error}"))
}

// === impl Plugins ===

impl Plugins {
    /// The plugins there are, for this configuration.
    pub(super) fn registry(&self, config: &ExporterConfig) -> Registry {
        let env = std::env::var_os("JMP_PLUGINS");
        Registry::new(
            Search::new(&self.folders, env.as_deref(), &config.plugins),
            LoadOptions {
                insecure_plugins: self.insecure_plugins,
                worker_threads: PLUGIN_THREADS,
                state_dir: state_dir(),
            },
        )
    }
}
