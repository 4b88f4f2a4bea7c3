//! Copying, moving and removing in a directory.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use jumpstarter_driver::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::{OFlag, renameat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use opendal::ErrorKind;
use opendal::raw::normalize_path;

use super::root::{Links, Parents, Place, Stop, open_step};
use super::tree::{Tree, is_directory};
use super::{Folder, told};
use crate::error::{failed, refused};
use crate::types::Mode;

// === impl Folder ===

impl Folder {
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (&normalize_path(from), &normalize_path(to));
        check("copy", from, to)?;
        let source = self.open_file(from, Mode::Read)?;
        let place = self.place("copy", to, Links::Follow, Parents::Make)?;
        // Not emptied yet: it could be the source by another name.
        let target = place.open(OFlag::O_WRONLY | OFlag::O_CREAT);
        let target = File::from(target.map_err(|error| between("copy", from, to, error.into()))?);
        copy(&source, &target).map_err(|error| match error {
            Some(error) => between("copy", from, to, error),
            None => same("copy", from, to),
        })
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (&normalize_path(from), &normalize_path(to));
        check("rename", from, to)?;
        let source = self.place("rename", from, Links::Keep, Parents::Expect)?;
        // Before directories are made for it.
        source
            .stat()
            .map_err(|error| between("rename", from, to, error.into()))?;
        let target = self.place("rename", to, Links::Keep, Parents::Make)?;
        let (Some(old), Some(new)) = (&source.name, &target.name) else {
            return Err(between("rename", from, to, Errno::EBUSY.into()));
        };
        renameat(
            &source.directory,
            old.as_os_str(),
            &target.directory,
            new.as_os_str(),
        )
        .map_err(|error| between("rename", from, to, error.into()))
    }

    /// Removes a file, a link or an empty directory.
    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        let path = &normalize_path(path);
        let removed = match self.root.place(path, Links::Keep, Parents::Expect) {
            Err(stop) => Err(stop),
            Ok(place) => remove(&place).map_err(Into::into),
        };
        gone("delete", path, removed)
    }

    /// Removes a path with everything in it. The root itself stays.
    pub(crate) fn remove_all(&self, path: &str) -> Result<()> {
        let path = &normalize_path(path);
        let removed = match self.root.place(path, Links::Keep, Parents::Expect) {
            Err(stop) => Err(stop),
            Ok(place) => remove_tree(place).map_err(Into::into),
        };
        gone("remove_all", path, removed)
    }
}

/// What is not there needs no removing.
fn gone(operation: &'static str, path: &str, removed: Result<(), Stop>) -> Result<()> {
    match removed {
        Ok(()) | Err(Stop::System(Errno::ENOENT)) => Ok(()),
        Err(stop) => Err(told(operation, path, stop)),
    }
}

fn remove(place: &Place) -> Result<(), Errno> {
    let Some(name) = &place.name else {
        // The root, or a directory named by `..`.
        return Err(Errno::EBUSY);
    };
    let flag = if is_directory(place.stat()?.st_mode) {
        UnlinkatFlags::RemoveDir
    } else {
        UnlinkatFlags::NoRemoveDir
    };
    unlinkat(&place.directory, name.as_os_str(), flag)
}

fn remove_tree(place: Place) -> Result<(), Errno> {
    let Some(name) = &place.name else {
        return clear(place.directory);
    };
    match open_step(place.directory.as_fd(), name) {
        Ok(directory) => clear(directory)?,
        // A file or a link.
        Err(Errno::ENOTDIR | Errno::ELOOP) => {}
        Err(error) => return Err(error),
    }
    remove(&place)
}

/// Removes everything in a directory.
fn clear(directory: OwnedFd) -> Result<(), Errno> {
    let mut tree = Tree::of(directory, true)?;
    while let Some(found) = tree.next() {
        let found = found?;
        let flag = if found.is_directory {
            UnlinkatFlags::RemoveDir
        } else {
            UnlinkatFlags::NoRemoveDir
        };
        match unlinkat(found.parent, found.name.as_os_str(), flag) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Copies content and permissions. None: the two are one file.
fn copy(mut source: &File, mut target: &File) -> Result<(), Option<io::Error>> {
    let (from, to) = (source.metadata()?, target.metadata()?);
    if (from.dev(), from.ino()) == (to.dev(), to.ino()) {
        return Err(None);
    }
    if to.is_file() {
        target.set_len(0)?;
        target.set_permissions(from.permissions())?;
    }
    // The kernel copies, without a detour through this process.
    io::copy(&mut source, &mut target)?;
    Ok(())
}

/// Only files have content that can be copied, and moving is the same to clients.
fn check(operation: &'static str, from: &str, to: &str) -> Result<()> {
    let directory = |text, end, path: &str| {
        Err(refused(
            operation,
            ErrorKind::IsADirectory,
            text,
            &[(end, path)],
        ))
    };
    if from.ends_with('/') {
        directory("from path is a directory", "from", from)
    } else if to.ends_with('/') {
        directory("to path is a directory", "to", to)
    } else if from == to {
        Err(same(operation, from, to))
    } else {
        Ok(())
    }
}

fn same(operation: &'static str, from: &str, to: &str) -> Error {
    let paths = [("from", from), ("to", to)];
    refused(
        operation,
        ErrorKind::IsSameFile,
        "from and to paths are same",
        &paths,
    )
}

fn between(operation: &'static str, from: &str, to: &str, error: io::Error) -> Error {
    failed(operation, error, &[("from", from), ("to", to)])
}
