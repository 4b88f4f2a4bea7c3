//! A directory that cannot be left: finding the place that a path means.
//!
//! ```text
//!   "a/link/../b"      root ─openat─► a ─openat─► (target of link) ─pop─► a     place: (a, "b")
//! ```
//!
//! The path is walked step by step, each from the open directory before it, and links are read and
//! walked by ourselves. `..` goes back to the directory we came from instead of asking the system.
//! So there is no moment between a check and a use in which somebody could swap a directory for a
//! link: nothing outside of the root is ever opened.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat, mkdirat};

use super::tree::MOST_LEVELS;

/// As many links as the system follows in one path.
const MOST_LINKS: u8 = 40;

/// As long a path as the system takes.
const LONGEST: usize = 4096;

/// So many directories deep may a path lead, each of which costs a descriptor on the way. With the
/// root and the last name that is what a [`Tree`](super::tree::Tree) walks, so that whatever was made
/// can be listed and removed.
const MOST_STEPS: usize = MOST_LEVELS - 2;

/// How a directory is opened that is only a step on the way.
const STEP: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// The directory.
#[derive(Debug)]
pub(crate) struct Root {
    directory: OwnedFd,
    /// Where it is, for links that are absolute.
    path: PathBuf,
}

/// Where a path leads: a name in an open directory.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    /// None: the directory itself, since the path was empty or ended in `..`.
    pub(super) name: Option<OsString>,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It leads out of the root.
    Outside,
    System(Errno),
}

/// What to do with a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// The path means what the link points to.
    Follow,
    /// The path means the link.
    Keep,
}

/// What to do with directories on the way that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parents {
    Expect,
    Make,
}

/// A path that is being walked.
struct Walk<'r> {
    root: &'r Root,
    /// The directories that we have come through.
    through: Vec<OwnedFd>,
    /// The names that are left, the next one last.
    left: Vec<OsString>,
    links: u8,
}

// === impl Root ===

impl Root {
    /// Opens the directory, and makes it if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(&path)?;
        Ok(Self {
            directory: directory.into(),
            path,
        })
    }

    /// The place that a path means. The last name of it need not exist.
    pub(super) fn place(&self, path: &str, links: Links, parents: Parents) -> Result<Place, Stop> {
        if path.len() >= LONGEST {
            return Err(Stop::System(Errno::ENAMETOOLONG));
        }
        let mut walk = Walk {
            root: self,
            through: Vec::new(),
            left: Vec::new(),
            links: 0,
        };
        walk.add(Path::new(path));
        while let Some(name) = walk.left.pop() {
            if name == ".." {
                // Dropped: where we were.
                walk.through.pop().ok_or(Stop::Outside)?;
            } else if !walk.left.is_empty() {
                walk.enter(&name, parents)?;
            } else {
                let link = match links {
                    Links::Follow => link(walk.here(), &name)?,
                    Links::Keep => None,
                };
                match link {
                    Some(target) => walk.follow(Path::new(&target))?,
                    None => return walk.end(Some(name)),
                }
            }
        }
        walk.end(None)
    }
}

// === impl Walk ===

impl Walk<'_> {
    fn here(&self) -> BorrowedFd<'_> {
        self.through.last().unwrap_or(&self.root.directory).as_fd()
    }

    /// Puts the names of a relative path before those that are left.
    fn add(&mut self, path: &Path) {
        let names = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        });
        let names: Vec<_> = names.collect();
        self.left.extend(names.into_iter().rev());
    }

    /// Goes on where a link points to.
    fn follow(&mut self, target: &Path) -> Result<(), Stop> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Stop::System(Errno::ELOOP));
        }
        if target.is_absolute() {
            let inside = target.strip_prefix(&self.root.path);
            self.add(inside.map_err(|_| Stop::Outside)?);
            self.through.clear();
        } else {
            self.add(target);
        }
        Ok(())
    }

    /// Goes into a directory.
    fn enter(&mut self, name: &OsStr, parents: Parents) -> Result<(), Stop> {
        if self.through.len() == MOST_STEPS {
            return Err(Stop::System(Errno::ENAMETOOLONG));
        }
        match open_step(self.here(), name) {
            Ok(directory) => self.through.push(directory),
            // It may be a link; which of the two it is depends on the file system.
            Err(error @ (Errno::ENOTDIR | Errno::ELOOP)) => match link(self.here(), name)? {
                Some(target) => self.follow(Path::new(&target))?,
                None => return Err(Stop::System(error)),
            },
            // So that a path that leads out is called that, and nothing is made for it.
            Err(Errno::ENOENT) if self.would_leave() => return Err(Stop::Outside),
            Err(Errno::ENOENT) if parents == Parents::Make => {
                make(self.here(), name)?;
                let directory = open_step(self.here(), name)?;
                self.through.push(directory);
            }
            Err(error) => return Err(Stop::System(error)),
        }
        Ok(())
    }

    /// Whether the names that are left lead out, coming from a directory that is not there yet.
    fn would_leave(&self) -> bool {
        let mut depth = self.through.len() + 1;
        self.left.iter().rev().any(|name| {
            let out = name == ".." && depth == 0;
            depth = if name == ".." {
                depth.saturating_sub(1)
            } else {
                depth + 1
            };
            out
        })
    }

    fn end(mut self, name: Option<OsString>) -> Result<Place, Stop> {
        let directory = match self.through.pop() {
            Some(directory) => directory,
            None => {
                open_step(self.root.directory.as_fd(), OsStr::new(".")).map_err(Stop::System)?
            }
        };
        Ok(Place { directory, name })
    }
}

// === impl Place ===

impl Place {
    /// What is there.
    pub(super) fn stat(&self) -> Result<FileStat, Errno> {
        match &self.name {
            Some(name) => stat(self.directory.as_fd(), name),
            None => fstat(&self.directory),
        }
    }

    /// Opens it. Never waits, not even for the other end of a pipe.
    pub(super) fn open(&self, flags: OFlag) -> Result<OwnedFd, Errno> {
        let name = self.name.as_deref().unwrap_or(OsStr::new("."));
        let always = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        openat(
            &self.directory,
            name,
            flags | always,
            Mode::from_bits_truncate(0o666),
        )
    }
}

// === impl Stop ===

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

/// Opens a directory on the way, not through a link.
pub(super) fn open_step(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat(directory, name, STEP, Mode::empty())
}

/// Makes a directory unless it is there.
pub(super) fn make(directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    match mkdirat(directory, name, Mode::from_bits_truncate(0o777)) {
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

/// What a name is, not what a link of that name points to.
pub(super) fn stat(directory: BorrowedFd<'_>, name: &OsStr) -> Result<FileStat, Errno> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Where a link points to; None if it is none, or not there.
fn link(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Option<OsString>, Stop> {
    match readlinkat(directory, name) {
        Ok(target) => Ok(Some(target)),
        Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
        Err(error) => Err(Stop::System(error)),
    }
}
