//! The folder with everything that must outlive the program.
//!
//! ```text
//! <data>/                    0700
//! ├── controller.db          the database
//! ├── keys/                  sign tokens
//! ├── ca/                    signs certificates
//! ├── router.key             what controller and routers share
//! ├── admin.sock             for commands of administrators on this machine
//! └── lock                   held by the controller that runs
//! ```

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Config, ConfigError};

/// For root; other users have theirs at home.
const SYSTEM: &str = "/var/lib/jumpstarter-controller";

/// The folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// The right to be the one who works on it. Dropping it gives that back.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "closing it unlocks")] File);

// === impl Folder ===

impl Folder {
    /// What the command line says, else the configuration, else what is usual.
    ///
    /// # Errors
    ///
    /// Nothing is usual for a user without a home.
    pub fn of(said: Option<&Path>, config: &Config) -> Result<Self, ConfigError> {
        match said.or(config.data_dir.as_deref()) {
            Some(path) => Ok(Self(path.to_owned())),
            None => Self::usual().ok_or(ConfigError::NoFolder),
        }
    }

    fn usual() -> Option<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        // Set by systemd for `StateDirectory=`, perhaps with several.
        if let Some(folders) = variable("STATE_DIRECTORY") {
            return std::env::split_paths(&folders).next().map(Self);
        }
        if nix::unistd::geteuid().is_root() {
            return Some(Self(PathBuf::from(SYSTEM)));
        }
        let state = variable("XDG_STATE_HOME").map(PathBuf::from);
        let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
        Some(Self(state?.join("jumpstarter-controller")))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it if need be, for nobody else to enter.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn make(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    /// Takes the right to work on it; none while somebody else has it.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn hold(&self) -> io::Result<Option<Hold>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.0.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("controller.db")
    }

    /// The keys that sign tokens.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The certificate authority.
    pub fn authority(&self) -> PathBuf {
        self.0.join("ca")
    }

    /// The key that controller and routers share.
    pub fn router_key(&self) -> PathBuf {
        self.0.join("router.key")
    }

    /// Where administrators' commands knock.
    pub fn socket(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// The file with the settings of this installation, if there is no other.
    pub fn config(&self) -> PathBuf {
        self.0.join("controller.yaml")
    }
}
