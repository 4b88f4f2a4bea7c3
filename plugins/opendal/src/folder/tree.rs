//! Walking a directory with what is in it, links excepted; a directory comes after its content.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::dir::{Dir, Entry, OwningIter, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag};

use super::root::{open_step, stat};

/// More levels than anybody has. Each one in the walk costs two descriptors.
pub(super) const MOST_LEVELS: usize = 256;

/// The walk.
#[derive(Debug)]
pub(super) struct Tree {
    levels: Vec<Level>,
    /// Whether to go into directories.
    deep: bool,
}

/// A directory on the way from the top.
#[derive(Debug)]
struct Level {
    directory: OwnedFd,
    entries: OwningIter,
    /// The path of the directory from the top, empty or with a slash at its end.
    path: String,
    /// Its name in the level above.
    name: OsString,
}

/// Something in it.
#[derive(Debug)]
pub(super) struct Found<'t> {
    /// Where it is.
    pub(super) parent: BorrowedFd<'t>,
    pub(super) name: OsString,
    /// From the top; directories end with a slash.
    pub(super) path: String,
    pub(super) is_directory: bool,
}

// === impl Tree ===

impl Tree {
    /// Of an open directory, which is not part of it.
    pub(super) fn of(directory: OwnedFd, deep: bool) -> Result<Self, Errno> {
        let levels = vec![Level::of(directory, String::new(), OsString::new())?];
        Ok(Self { levels, deep })
    }

    /// What comes next. What vanishes meanwhile is left out.
    pub(super) fn next(&mut self) -> Option<Result<Found<'_>, Errno>> {
        self.step().map(|step| {
            step.map(|(name, path, is_directory)| Found {
                parent: self.parent(),
                name,
                path,
                is_directory,
            })
        })
    }

    fn parent(&self) -> BorrowedFd<'_> {
        // There is a level as long as there was a step.
        self.levels[self.levels.len() - 1].directory.as_fd()
    }

    fn step(&mut self) -> Option<Result<(OsString, String, bool), Errno>> {
        loop {
            let depth = self.levels.len();
            let level = self.levels.last_mut()?;
            let Some(entry) = level.entries.next() else {
                if depth == 1 {
                    return None;
                }
                let done = self.levels.pop()?;
                return Some(Ok((done.name, done.path, true)));
            };
            let (name, is_directory) = match entry.and_then(|entry| level.look(&entry)) {
                Ok(Some(found)) => found,
                Ok(None) | Err(Errno::ENOENT) => continue,
                Err(error) => return Some(Err(error)),
            };
            let mut path = format!("{}{}", level.path, name.to_string_lossy());
            if !is_directory {
                return Some(Ok((name, path, false)));
            }
            path.push('/');
            if !self.deep {
                return Some(Ok((name, path, true)));
            }
            if depth == MOST_LEVELS {
                return Some(Err(Errno::ENAMETOOLONG));
            }
            let below = open_step(level.directory.as_fd(), &name);
            match below.and_then(|below| Level::of(below, path, name)) {
                Ok(below) => self.levels.push(below),
                Err(Errno::ENOENT) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

// === impl Level ===

impl Level {
    fn of(directory: OwnedFd, path: String, name: OsString) -> Result<Self, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let entries = Dir::from_fd(openat(&directory, ".", flags, Mode::empty())?)?;
        Ok(Self {
            directory,
            entries: entries.into_iter(),
            path,
            name,
        })
    }

    /// Name and kind of an entry, unless it is the directory itself or the one above.
    fn look(&self, entry: &Entry) -> Result<Option<(OsString, bool)>, Errno> {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            return Ok(None);
        }
        let is_directory = match entry.file_type() {
            Some(kind) => kind == Type::Directory,
            // Some file systems do not tell.
            None => is_directory(stat(self.directory.as_fd(), name)?.st_mode),
        };
        Ok(Some((name.to_owned(), is_directory)))
    }
}

pub(super) fn is_directory(mode: u32) -> bool {
    is(mode, SFlag::S_IFDIR)
}

pub(super) fn is(mode: u32, kind: SFlag) -> bool {
    mode & SFlag::S_IFMT.bits() == kind.bits()
}
