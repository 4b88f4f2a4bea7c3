//! One after the other: programs that would ask an issuer with the same refresh token.
//!
//! An issuer may take the second one for a thief and end the whole login. The lock on the folder would
//! do, but everybody who writes a file there would wait for the issuer, too; so the client's file itself
//! is locked. Whoever writes it puts a new one in its place, and a lock on the old one is worth nothing:
//! a writer who asks no issuer, and comes in that moment, lets a second one in.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
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
    /// Waits for it. Where there is no file, or files cannot be locked, it is everybody's turn.
    pub(crate) async fn at(path: &Path) -> Self {
        while let Ok(file) = File::open(path) {
            match file.try_lock() {
                Ok(()) if is_still(path, &file) => return Self(Some(file)),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => sleep(AGAIN).await,
                Err(TryLockError::Error(_)) => break,
            }
        }
        Self(None)
    }
}

/// Whether this is the file that has the name now.
fn is_still(path: &Path, file: &File) -> bool {
    let identity = |it: Metadata| (it.dev(), it.ino());
    let (named, ours) = (path.metadata().map(identity), file.metadata().map(identity));
    matches!((named, ours), (Ok(named), Ok(ours)) if named == ours)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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
        // Of another file it is another turn, and of none it is everybody's.
        assert!(is_free(&home.path().join("b.yaml")).await);
        drop(first);
        assert!(is_free(&link).await);
    }

    #[tokio::test]
    async fn whoever_waited_has_the_file_that_was_written_meanwhile() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lab.yaml");
        std::fs::write(&path, "old").unwrap();
        let first = Turn::at(&path).await;
        let (second, ()) = tokio::join!(Turn::at(&path), async {
            let new = home.path().join("new");
            std::fs::write(&new, "new").unwrap();
            std::fs::rename(&new, &path).unwrap();
            drop(first);
        });
        assert!(!is_free(&path).await, "{second:?} is for the new file");
    }
}
