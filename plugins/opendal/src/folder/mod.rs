//! A directory of this machine as a storage. Behaves as OpenDAL's `fs` does, but for paths that lead
//! out of the directory, which are refused.

mod change;
mod list;
mod root;
#[cfg(test)]
mod tests;
mod tree;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use jumpstarter_driver::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use opendal::ErrorKind;
use opendal::raw::normalize_path;

use crate::error::{failed, refused};
use crate::types::{Metadata, Mode};
use root::{Links, Parents, Place, Root, Stop, make};
use tree::{is, is_directory};

pub(crate) use list::Entries;

/// The directory.
#[derive(Debug)]
pub(crate) struct Folder {
    root: Root,
}

// === impl Folder ===

impl Folder {
    /// Opens the directory, and makes it if it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Root::open(path).map(|root| Self { root })
    }

    pub(crate) fn stat(&self, path: &str) -> Result<Metadata> {
        let path = &normalize_path(path);
        let place = self.place("stat", path, Links::Follow, Parents::Expect)?;
        let stat = place.stat().map_err(|error| system("stat", path, error))?;
        let is_directory = is_directory(stat.st_mode);
        if path.ends_with('/') && !is_directory {
            let text = "stat expected a directory, but found a file";
            return Err(refused(
                "stat",
                ErrorKind::NotFound,
                text,
                &[("path", path)],
            ));
        }
        // The size of the root is nobody's business.
        let size = if path == "/" { 0 } else { stat.st_size };
        let is_file = is(stat.st_mode, SFlag::S_IFREG);
        Ok(Metadata::local(size.unsigned_abs(), is_file, is_directory))
    }

    pub(crate) fn exists(&self, path: &str) -> Result<bool> {
        let path = &normalize_path(path);
        let place = match self.root.place(path, Links::Follow, Parents::Expect) {
            Err(Stop::System(Errno::ENOENT | Errno::ENOTDIR)) => return Ok(false),
            place => place.map_err(|stop| told("stat", path, stop))?,
        };
        match place.stat() {
            Ok(stat) => Ok(!path.ends_with('/') || is_directory(stat.st_mode)),
            Err(Errno::ENOENT) => Ok(false),
            Err(error) => Err(system("stat", path, error)),
        }
    }

    /// Opens a file or a device. One that is written is made, with the directories it is in, or
    /// emptied.
    pub(crate) fn open_file(&self, path: &str, mode: Mode) -> Result<File> {
        let path = &normalize_path(path);
        let (operation, text, flags, parents) = match mode {
            Mode::Read => (
                "read",
                "read path is a directory",
                OFlag::O_RDONLY,
                Parents::Expect,
            ),
            Mode::Write => (
                "write",
                "write path is a directory",
                OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC,
                Parents::Make,
            ),
        };
        let is_a_directory =
            || refused(operation, ErrorKind::IsADirectory, text, &[("path", path)]);
        if path.ends_with('/') {
            return Err(is_a_directory());
        }
        let place = self.place(operation, path, Links::Follow, parents)?;
        let file = place.open(flags).map_err(|error| match error {
            Errno::EISDIR => is_a_directory(),
            error => system(operation, path, error),
        })?;
        let kind = fstat(&file)
            .map_err(|error| system(operation, path, error))?
            .st_mode;
        if is_directory(kind) {
            return Err(is_a_directory());
        }
        if ![SFlag::S_IFREG, SFlag::S_IFBLK, SFlag::S_IFCHR]
            .iter()
            .any(|known| is(kind, *known))
        {
            let text = "neither a file nor a device";
            return Err(refused(
                operation,
                ErrorKind::Unsupported,
                text,
                &[("path", path)],
            ));
        }
        // It was opened so that opening does not wait; reading and writing are to.
        fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))
            .map_err(|error| system(operation, path, error))?;
        Ok(file.into())
    }

    pub(crate) fn create_dir(&self, path: &str) -> Result<()> {
        let path = &normalize_path(path);
        let context = [("path", path.as_str())];
        if !path.ends_with('/') {
            let text = "the path trying to create should end with `/`";
            return Err(refused(
                "create_dir",
                ErrorKind::NotADirectory,
                text,
                &context,
            ));
        }
        let place = self.place("create_dir", path, Links::Follow, Parents::Make)?;
        let Some(name) = &place.name else {
            // The root, which is there.
            return Ok(());
        };
        let made = make(place.directory.as_fd(), name).and_then(|()| place.stat());
        match made.map(|stat| is_directory(stat.st_mode)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(system("create_dir", path, Errno::EEXIST)),
            Err(error) => Err(system("create_dir", path, error)),
        }
    }

    fn place(
        &self,
        operation: &'static str,
        path: &str,
        links: Links,
        parents: Parents,
    ) -> Result<Place> {
        let place = self.root.place(path, links, parents);
        place.map_err(|stop| told(operation, path, stop))
    }
}

/// What clients are told of a path that leads nowhere.
fn told(operation: &'static str, path: &str, stop: Stop) -> Error {
    match stop {
        Stop::Outside => Error::invalid_argument(format_args!(
            "path `{path}` leads out of the storage; paths are relative to its root"
        )),
        Stop::System(error) => system(operation, path, error),
    }
}

fn system(operation: &'static str, path: &str, error: Errno) -> Error {
    failed(operation, error.into(), &[("path", path)])
}
