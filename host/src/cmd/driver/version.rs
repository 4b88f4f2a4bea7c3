//! `jmp driver version`: one line per plugin.

use crate::cmd::Outcome;
use crate::cmd::options::Plugins;

use super::{print, registry};

/// Show the versions of the plugins of this machine
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(flatten)]
    plugins: Plugins,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let listings = registry(&self.plugins).list();
        let plugins = listings
            .into_iter()
            .filter_map(|listing| listing.plugin.ok());
        let mut lines: Vec<_> = plugins.map(|plugin| plugin.title() + "\n").collect();
        lines.sort();
        print(&lines.concat())?;
        Ok(0)
    }
}
