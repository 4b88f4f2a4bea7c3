//! `jmp check`: says what is wrong with a configuration, without running any of it.

use std::{io::Write, path::PathBuf};

use crate::{
    config::{self, Draft, Mistake},
    tree,
};

use super::options::Plugins;
use super::{Failure, Outcome};

/// Check an exporter configuration and the drivers it needs
#[derive(Debug, clap::Args)]
pub struct Cmd {
    /// The configuration file
    #[arg(value_name = "FILE", required_unless_present = "exporter")]
    file: Option<PathBuf>,

    /// Check the exporter configuration with this name
    #[arg(long, value_name = "ALIAS", conflicts_with = "file")]
    exporter: Option<String>,

    #[command(flatten)]
    plugins: Plugins,
}

// === impl Cmd ===

impl Cmd {
    /// Prints everything that is wrong; or one line that all is well.
    pub fn run(self) -> Outcome {
        let path = match (self.file, self.exporter) {
            (Some(file), _) => file,
            (None, alias) => config::find(&alias.unwrap_or_default()).map_err(Failure::error)?,
        };
        let Draft { config, mistakes } = config::draft(&path).map_err(Failure::error)?;
        let warn = |warnings: &[Mistake]| {
            for warning in warnings {
                let text = warning.show(&config.source, "warning: ");
                // Without stderr there is nobody to warn.
                writeln!(std::io::stderr(), "{text}").ok();
            }
        };
        warn(&config.warnings);
        let registry = self.plugins.registry(&config);
        let summary = tree::check(&config, mistakes, &registry).map_err(Failure::error)?;
        warn(&summary.warnings);
        let count = |n: usize, noun: &str| match n {
            1 => format!("1 {noun}"),
            n => format!("{n} {noun}s"),
        };
        let drivers = count(summary.drivers, "driver");
        let plugins = count(summary.plugins, "plugin");
        let path = path.display();
        writeln!(std::io::stdout(), "{path}: ok ({drivers}, {plugins})").map_err(Failure::error)?;
        Ok(0)
    }
}
