//! One after the other: programs that would ask an issuer with the same refresh token.
//!
//! An issuer may take the second one for a thief and end the whole login. A lock on the folder would
//! do, but everybody who writes a file there would wait for the issuer, too; so there is a file of
//! its own for this beside the client's, and it stays as long as that.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

/// How often to look whether the one before has done.
const AGAIN: Duration = Duration::from_millis(50);

/// The right to use the refresh token of a file, until dropped.
#[derive(Debug)]
pub(crate) struct Turn(
    #[allow(dead_code, reason = "closing it lets the next one go on")] Option<File>,
);

// === impl Turn ===

impl Turn {
    /// Leaves nothing beside a file that is gone.
    pub(crate) fn forget(path: &Path) {
        // Usually nobody ever wanted a turn.
        std::fs::remove_file(beside(path)).ok();
    }

    /// Waits for it. Where files cannot be locked, or made, it is everybody's turn.
    pub(crate) async fn at(path: &Path) -> Self {
        // Links to one file are one file.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(&path));
        let Ok(file) = opened else {
            return Self(None);
        };
        loop {
            match file.try_lock() {
                Ok(()) => return Self(Some(file)),
                Err(TryLockError::WouldBlock) => sleep(AGAIN).await,
                Err(TryLockError::Error(_)) => return Self(None),
            }
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.refresh"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use tokio::time::timeout;

    use super::*;

    /// Whether it is free now.
    async fn is_free(path: &Path) -> bool {
        timeout(Duration::ZERO, Turn::at(path)).await.is_ok()
    }

    #[tokio::test]
    async fn one_has_it_until_it_is_given_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lab.yaml");
        std::fs::write(&path, "").unwrap();
        let link = home.path().join("link.yaml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let first = Turn::at(&path).await;
        assert!(!is_free(&link).await);
        // Of another file it is another turn.
        assert!(is_free(&home.path().join("b.yaml")).await);
        drop(first);
        assert!(is_free(&link).await);
        let beside = home.path().join(".lab.yaml.refresh");
        let mode = beside.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        Turn::forget(&path);
        assert!(!beside.exists());
        // Where nothing can be made, nobody waits.
        assert!(is_free(Path::new("/nowhere/at/all")).await);
    }
}
