//! What is read from a plugin file, through one descriptor.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};

use super::elf::{self, Elf, FileError};
use super::error::PluginError;
use super::metadata::Metadata;
use super::trust::{self, Distrust};

/// What was read from a file.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) metadata: Arc<Metadata>,
    pub(super) elf: Arc<Elf>,
}

/// Tells two states of a file apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    path: PathBuf,
    identity: (u64, u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Opens a file for all that follows, so that nobody can exchange it in between.
pub(super) fn open(path: &Path) -> Result<(PathBuf, File), PluginError> {
    let canonical = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    // A pipe of that name would keep the open waiting.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(&canonical)
        .map_err(|error| unreadable(&canonical, &error))?;
    Ok((canonical, file))
}

pub(super) fn check_trust(path: &Path, file: &File) -> Result<Result<(), Distrust>, PluginError> {
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    Ok(trust::check(path, &metadata))
}

pub(super) fn read(path: &Path, file: &File) -> Result<Contents, PluginError> {
    let elf = elf::read(file).map_err(|reason| PluginError::File {
        path: path.to_owned(),
        reason,
    })?;
    let symbol = elf
        .metadata
        .as_deref()
        .ok_or_else(|| PluginError::not_a_plugin(path))?;
    let metadata = Metadata::parse(path, symbol)?;
    metadata.check(path)?;
    Ok(Contents {
        metadata: Arc::new(metadata),
        elf: Arc::new(elf),
    })
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> PluginError {
    PluginError::File {
        path: path.to_owned(),
        reason: FileError::Io(words(error)),
    }
}

/// The system's words, without the number that Rust adds.
pub(super) fn words(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

// === impl Stamp ===

impl Stamp {
    pub(super) fn of(path: &Path, file: &File) -> Result<Self, PluginError> {
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino(), metadata.len()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}
