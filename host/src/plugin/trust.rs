//! Who could change a plugin.
//!
//! A plugin runs with all rights of the exporter, so whoever can write the file, or a folder on the
//! way to it, is as good as the exporter's user.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;
const PERMISSIONS: u32 = 0o7777;

const OVERRIDE: &str = "or start with --insecure-plugins";

/// Why a plugin is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Group or others may write the file.
    #[error(
        "driver plugin {} can be changed by others (mode {mode:o}); remove group and world write, \
         {OVERRIDE}", path.display()
    )]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Group or others may replace it, or a folder on the way to it.
    #[error(
        "driver plugin {} can be changed by others ({} has mode {mode:o}); remove group and world \
         write, {OVERRIDE}", path.display(), folder.display()
    )]
    FolderMode {
        /// The file.
        path: PathBuf,
        /// The folder above it.
        folder: PathBuf,
        /// The folder's permissions.
        mode: u32,
    },
    /// File or folder belong to somebody else.
    #[error(
        "driver plugin {} can be changed by others ({} belongs to {owner}); give it to root or to \
         {us}, {OVERRIDE}", path.display(), culprit.display()
    )]
    Owner {
        /// The plugin.
        path: PathBuf,
        /// The plugin or a folder above it.
        culprit: PathBuf,
        /// Name or number of the owner.
        owner: String,
        /// Name or number of the user that asks.
        us: String,
    },
    /// A folder above the file could not be looked at.
    #[error("driver plugin {}: cannot tell who may write {}: {reason}", path.display(), folder.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The folder above it.
        folder: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// Checks an open file and the folders above it. `path` has no links in it, and `file` was asked
/// from the open descriptor, so that the answer is about the bytes that will be read.
pub(super) fn check(path: &Path, file: &Metadata) -> Result<(), Distrust> {
    owner(path, path, file)?;
    let mode = file.mode() & PERMISSIONS;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Distrust::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    path.ancestors()
        .skip(1)
        .try_for_each(|folder| check_folder(path, folder))
}

fn check_folder(path: &Path, folder: &Path) -> Result<(), Distrust> {
    let metadata = fs::symlink_metadata(folder).map_err(|error| Distrust::Unknown {
        path: path.to_owned(),
        folder: folder.to_owned(),
        reason: error.to_string(),
    })?;
    owner(path, folder, &metadata)?;
    let mode = metadata.mode() & PERMISSIONS;
    // In a sticky folder nobody can replace what belongs to somebody else.
    if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
        return Err(Distrust::FolderMode {
            path: path.to_owned(),
            folder: folder.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn owner(path: &Path, culprit: &Path, metadata: &Metadata) -> Result<(), Distrust> {
    let (owner, us) = (Uid::from_raw(metadata.uid()), geteuid());
    if owner.is_root() || owner == us {
        return Ok(());
    }
    Err(Distrust::Owner {
        path: path.to_owned(),
        culprit: culprit.to_owned(),
        owner: name(owner),
        us: name(us),
    })
}

fn name(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => format!("user `{}`", user.name),
        _ => format!("user {uid}"),
    }
}
