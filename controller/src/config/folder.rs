//! The data folder, with everything that must outlive the program.
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

/// The default for root; other users have it in their home.
const SYSTEM: &str = "/var/lib/jumpstarter-controller";

/// The path of the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// The exclusive right to work on the data folder, until this is dropped.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "closing it unlocks")] File);

// === impl Folder ===

impl Folder {
    /// The folder on the command line, else in the configuration, else the default.
    ///
    /// # Errors
    ///
    /// There is no default for a user without a home.
    pub fn of(given: Option<&Path>, config: &Config) -> Result<Self, ConfigError> {
        match given.or(config.data_dir.as_deref()) {
            Some(path) => Ok(Self(path.to_owned())),
            None => Self::usual().ok_or(ConfigError::NoFolder),
        }
    }

    fn usual() -> Option<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        // Set by systemd for `StateDirectory=`; may list several.
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

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder if it does not exist, with mode 0700.
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

    /// Takes the lock; `None` while another program has it.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn lock(&self) -> io::Result<Option<FolderLock>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.0.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FolderLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The file of the database.
    pub fn database(&self) -> PathBuf {
        self.0.join("controller.db")
    }

    /// The folder of the keys that sign tokens.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The folder of the certificate authority.
    pub fn authority(&self) -> PathBuf {
        self.0.join("ca")
    }

    /// The file of the key that controller and routers share.
    pub fn router_key(&self) -> PathBuf {
        self.0.join("router.key")
    }

    /// The unix socket for administrators' commands.
    pub fn socket(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// The configuration file that is used if no other is named.
    pub fn config(&self) -> PathBuf {
        self.0.join("controller.yaml")
    }
}
