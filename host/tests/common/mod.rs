//! What the tests of the plugin host share: plugins to load, and folders to load them from.

// Each test binary uses a part of this.
#![allow(dead_code, unreachable_pub, missing_debug_implementations)]
#![allow(clippy::unwrap_used)]

pub mod build;
pub mod file;
pub mod relay;
pub mod socket;
pub mod values;

use std::fs;
use std::path::{Path, PathBuf};

use jumpstarter_host::plugin::{
    CallError, Found, LoadOptions, Opened, PluginError, Registry, Search,
};
use tempfile::TempDir;

pub const POWER: &str = "jumpstarter_driver_power.driver.MockPower";
pub const C_POWER: &str = "jumpstarter_driver_example_c.driver.Power";
pub const C_PDU: &str = "jumpstarter_driver_example_c.driver.Pdu";
pub const ROTTEN: &str = "jumpstarter_driver_test_rotten_abi.driver.Rotten";

/// A folder of plugins and a state folder, both gone after the test.
pub struct Shelf {
    pub plugins: TempDir,
    pub state: TempDir,
}

impl Shelf {
    pub fn new() -> Self {
        Self {
            plugins: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// A shelf with one plugin on it.
    pub fn with(plugin: &Path) -> Self {
        let shelf = Self::new();
        shelf.put(plugin);
        shelf
    }

    /// Copies a plugin onto the shelf, under its own name.
    pub fn put(&self, plugin: &Path) -> PathBuf {
        self.put_as(
            plugin.file_name().unwrap().to_str().unwrap(),
            &fs::read(plugin).unwrap(),
        )
    }

    /// Puts bytes onto the shelf.
    pub fn put_as(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.plugins.path().canonicalize().unwrap().join(name)
    }

    pub fn registry(&self) -> Registry {
        self.registry_of(&[self.plugins.path().to_owned()])
    }

    pub fn registry_of(&self, folders: &[PathBuf]) -> Registry {
        Registry::new(Search::only(folders, None, &[]), self.options())
    }

    pub fn options(&self) -> LoadOptions {
        LoadOptions {
            insecure_plugins: false,
            worker_threads: 1,
            state_dir: self.state.path().to_owned(),
        }
    }

    pub fn find(&self, type_name: &str) -> Result<Found, PluginError> {
        self.registry().find(type_name)
    }
}

impl Shelf {
    /// Opens a driver of the only plugin on the shelf.
    pub async fn open(&self, type_name: &str, config: &str) -> Result<Opened, CallError> {
        let registry = self.registry();
        let found = registry.find(type_name).unwrap();
        let library = registry.load(&found).unwrap();
        library.open(0, type_name, "x", config).await
    }
}
