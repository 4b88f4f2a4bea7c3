//! Finds the installation that a command works on.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::cli::Target;
use crate::config::{Config, Folder};

/// The configuration of the whole machine.
const SYSTEM: &str = "/etc/jumpstarter/controller.yaml";

// === impl Target ===

impl Target {
    /// The settings and the data folder.
    pub(super) fn find(&self) -> Result<(Config, Folder), Failure> {
        let mut config = Config::load(self.file()?.as_deref()).map_err(Failure::error)?;
        let folder = self.folder(&config)?;
        config.data_dir = Some(folder.path().to_owned());
        Ok((config, folder))
    }

    /// The configuration file, if there is one.
    pub(super) fn file(&self) -> Result<Option<PathBuf>, Failure> {
        if self.config.is_some() {
            return Ok(self.config.clone());
        }
        let own = self
            .folder(&Config::default())
            .map(|folder| folder.config());
        let usual = [own.ok(), Some(Path::new(SYSTEM).to_owned())];
        Ok(usual.into_iter().flatten().find(|path| path.exists()))
    }

    pub(super) fn folder(&self, config: &Config) -> Result<Folder, Failure> {
        Folder::of(self.data_dir.as_deref(), config).map_err(Failure::error)
    }
}
