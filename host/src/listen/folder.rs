//! The private folder of a session, with its unix socket.
//!
//! Whoever opens the socket controls the hardware, so the folder lets nobody else in, and its name
//! cannot be guessed.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use uuid::Uuid;

/// The kernel's limit on the path of a unix socket.
const LONGEST_SOCKET_PATH: usize = 107;

/// A folder for this user only, removed with everything in it when dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Why a session has no folder or no socket.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refused the folder.
    #[error(
        "cannot make a private folder in `{}`: {source}; \
         point XDG_RUNTIME_DIR or TMPDIR to a folder of yours",
        parent.display()
    )]
    Create {
        /// Where it was to be.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A unix socket would have too long a path.
    #[error(
        "the path of the socket `{}` is longer than {LONGEST_SOCKET_PATH} bytes; \
         point XDG_RUNTIME_DIR to a folder with a shorter path", path.display()
    )]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The system refused the socket.
    #[error("cannot listen on `{}`: {source}", path.display())]
    Listen {
        /// Path of the socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

// === impl Folder ===

impl Folder {
    /// Makes a new folder where this user's programs keep theirs.
    pub fn create() -> Result<Self, FolderError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        Self::create_in(&runtime.unwrap_or_else(std::env::temp_dir))
    }

    fn create_in(parent: &Path) -> Result<Self, FolderError> {
        let random = Uuid::new_v4().simple().to_string();
        let path = parent.join(format!("jumpstarter-{}", &random[..8]));
        // Fails if the name exists, so nobody can have laid a folder or link in our way.
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| FolderError::Create {
                parent: parent.to_owned(),
                source,
            })?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the socket in it.
    pub fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }

    /// Listens on the socket.
    pub fn listen(&self) -> Result<UnixListener, FolderError> {
        let path = self.socket();
        if path.as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(FolderError::TooLong { path });
        }
        UnixListener::bind(&path).map_err(|source| FolderError::Listen { path, source })
    }

    /// Makes a folder inside it.
    pub fn inner(&self, name: &str) -> Result<PathBuf, FolderError> {
        let path = self.path.join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| FolderError::Create {
                parent: self.path.clone(),
                source,
            })?;
        Ok(path)
    }

    /// Removes it now, whoever else still holds it.
    pub fn remove(&self) {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = self.path.display();
                tracing::debug!(%path, %error, "cannot remove the session folder");
            }
            _ => {}
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::MetadataExt;

    use super::{Folder, FolderError};

    #[tokio::test]
    async fn is_private_and_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create_in(parent.path()).unwrap();
        let inner = folder.inner("drivers").unwrap();
        std::fs::write(inner.join("file"), "x").unwrap();
        let listener = folder.listen().unwrap();
        assert_eq!(folder.path().metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(inner.metadata().unwrap().mode() & 0o777, 0o700);
        assert!(folder.socket().exists());

        let path = folder.path().to_owned();
        drop((folder, listener));
        assert!(!path.exists());
    }

    #[test]
    fn it_can_be_removed_while_somebody_holds_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create_in(parent.path()).unwrap();
        folder.inner("drivers").unwrap();
        folder.remove();
        assert!(!folder.path().exists());
        folder.remove();
    }

    #[tokio::test]
    async fn a_long_path_is_refused_with_advice() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("x".repeat(100));
        std::fs::create_dir(&deep).unwrap();
        let error = Folder::create_in(&deep).unwrap().listen().unwrap_err();
        assert!(matches!(error, FolderError::TooLong { .. }));
        assert!(error.to_string().contains("XDG_RUNTIME_DIR"));
    }
}
