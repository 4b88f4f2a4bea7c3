//! Finds the built programs: they are beside the running test.

use std::path::{Path, PathBuf};

/// The folder with the programs, and what is known to be in it.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

// === impl Programs ===

impl Programs {
    /// Looks where the running program is: `target/debug` for a test in `target/debug/deps`.
    pub fn find() -> Self {
        let exe = std::env::current_exe().expect("a running program has a path");
        let mut folder = exe.parent().expect("a file is in a folder").to_path_buf();
        if folder.ends_with("deps") {
            folder.pop();
        }
        for needed in [
            "jmp",
            "j",
            "jmp-exporter",
            "jmp-controller",
            "plugins",
            "test-plugins",
        ] {
            assert!(
                folder.join(needed).exists(),
                "{} is not there: run `make build` first",
                folder.join(needed).display()
            );
        }
        Self { folder }
    }

    /// The folder itself, for `PATH`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program by name: `jmp`, `j`, `jmp-exporter`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The plugins the exporter finds by itself.
    pub fn plugins(&self) -> PathBuf {
        self.folder.join("plugins")
    }

    /// The plugins that misbehave.
    pub fn test_plugins(&self) -> PathBuf {
        self.folder.join("test-plugins")
    }

    /// A plugin among the good ones: `power` is `libjumpstarter_driver_power.so`.
    pub fn plugin(&self, family: &str) -> PathBuf {
        self.plugins()
            .join(format!("libjumpstarter_driver_{family}.so"))
    }

    /// The plugin that misbehaves on request.
    pub fn rotten(&self) -> PathBuf {
        self.test_plugins()
            .join("libjumpstarter_driver_test_rotten.so")
    }

    /// The top of the source tree.
    pub fn source() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("tests/ is a folder of the workspace")
    }

    /// A program of the Python peer, where `make venv` has put it.
    pub fn python(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.parent()?.join("venv/bin").join(name);
        path.exists().then_some(path)
    }
}
