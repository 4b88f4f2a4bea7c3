//! Files that clients have open, by the ids they got for them.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumpstarter_driver::{Error, Resource, Result};
use uuid::Uuid;

use crate::service::{Reading, Writing};
use crate::transfer::{blocking, receive, send};
use crate::types::{Fd, Mode};

/// As many as a client may have open at once. The exporter has a limit, too, which others need.
const MOST_OPEN: usize = 256;

/// Of as many closed ones is known that they were open once.
const MOST_CLOSED: usize = 4096;

/// The files.
#[derive(Default)]
pub(crate) struct Files {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    open: HashMap<Fd, OpenFile>,
    /// The oldest first.
    closed: VecDeque<Fd>,
}

/// A file of either kind of storage.
#[derive(Clone)]
pub(crate) enum OpenFile {
    Local(Arc<Local>),
    Reading(Arc<Reading>),
    Writing(Arc<Writing>),
}

/// A file in a directory.
pub(crate) struct Local {
    file: Arc<File>,
    path: String,
    mode: Mode,
    /// Whether there is something that may not be on the disk yet.
    dirty: AtomicBool,
}

// === impl Files ===

impl Files {
    /// Gives a file an id.
    pub(crate) fn add(&self, file: OpenFile) -> Result<Fd> {
        let mut known = self.known();
        if known.open.len() >= MOST_OPEN {
            return Err(Error::failed_precondition(format_args!(
                "{MOST_OPEN} files are open; close some with `file_close` first"
            )));
        }
        let fd = Fd(Uuid::new_v4());
        known.open.insert(fd, file);
        Ok(fd)
    }

    /// The file, None if it is closed.
    pub(crate) fn get(&self, fd: Fd) -> Result<Option<OpenFile>> {
        let known = self.known();
        match known.open.get(&fd) {
            Some(file) => Ok(Some(file.clone())),
            None if known.closed.contains(&fd) => Ok(None),
            None => Err(Error::unknown(format_args!("UUID('{}')", fd.0))),
        }
    }

    /// The file, if its mode is this one.
    pub(crate) fn is_open(&self, fd: Fd, mode: Mode) -> Result<bool> {
        Ok(self.get(fd)?.is_some_and(|file| file.mode() == mode))
    }

    /// A file to move about in.
    pub(crate) fn seekable(&self, fd: Fd) -> Result<OpenFile> {
        match self.get(fd)? {
            Some(file) if file.mode() == Mode::Read => Ok(file),
            Some(_) => Err(no_io("reading on write only file")),
            None => Err(no_io("reading on closed file")),
        }
    }

    /// A file to write to.
    pub(crate) fn writable(&self, fd: Fd) -> Result<OpenFile> {
        match self.get(fd)? {
            Some(file) if file.mode() == Mode::Write => Ok(file),
            Some(_) => Err(no_io("writing on read only file")),
            None => Err(no_io("writing on closed file")),
        }
    }

    /// Takes an open file out. A transfer that is under way goes on.
    pub(crate) fn close(&self, fd: Fd) -> Result<Option<OpenFile>> {
        let file = self.get(fd)?;
        let mut known = self.known();
        if known.open.remove(&fd).is_some() {
            known.closed.push_back(fd);
            if known.closed.len() > MOST_CLOSED {
                known.closed.pop_front();
            }
        }
        Ok(file)
    }

    /// Lets go of all of them.
    pub(crate) fn clear(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // At worst a file is known as both open and closed, and open counts.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl OpenFile ===

impl OpenFile {
    pub(crate) fn local(file: File, path: String, mode: Mode) -> Self {
        Self::Local(Arc::new(Local {
            file: Arc::new(file),
            path,
            mode,
            dirty: AtomicBool::new(false),
        }))
    }

    fn mode(&self) -> Mode {
        match self {
            Self::Local(local) => local.mode,
            Self::Reading(_) => Mode::Read,
            Self::Writing(_) => Mode::Write,
        }
    }

    /// Writes what the client sends.
    pub(crate) async fn receive(self, source: Resource) -> Result<()> {
        match self {
            Self::Local(local) => {
                local.dirty.store(true, Ordering::Relaxed);
                receive(source, Arc::clone(&local.file), local.path.clone()).await
            }
            Self::Writing(writing) => writing.receive(source).await,
            Self::Reading(_) => Err(no_io("writing on read only file")),
        }
    }

    /// Sends the client what is left to read, which is nothing in a file that is being written.
    pub(crate) async fn send(self, target: Resource) -> Result<()> {
        match self {
            Self::Local(local) if local.mode == Mode::Read => {
                send(target, Arc::clone(&local.file), local.path.clone()).await
            }
            Self::Reading(reading) => reading.send(target).await,
            Self::Local(_) | Self::Writing(_) => target.write().await?.finish().await,
        }
    }

    /// Where the next read begins.
    pub(crate) fn tell(&self) -> Result<u64> {
        self.seek(0, 1)
    }

    pub(crate) fn seek(&self, offset: i64, whence: i64) -> Result<u64> {
        let negative = || Error::internal("invalid seek to a negative position");
        let to = match whence {
            0 => SeekFrom::Start(offset.try_into().map_err(|_| negative())?),
            1 => SeekFrom::Current(offset),
            2 => SeekFrom::End(offset),
            _ => return Err(Error::invalid_argument("invalid whence")),
        };
        match self {
            Self::Local(local) => match (&*local.file).seek(to) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(negative()),
                Err(error) => Err(Error::internal(format_args!(
                    "cannot seek in `{}`: {error}",
                    local.path
                ))),
                Ok(position) => Ok(position),
            },
            Self::Reading(reading) => {
                let position = match to {
                    SeekFrom::Start(position) => Some(position),
                    SeekFrom::Current(offset) => reading.position().checked_add_signed(offset),
                    SeekFrom::End(offset) => reading.size.checked_add_signed(offset),
                };
                let position = position.ok_or_else(negative)?;
                reading.go_to(position);
                Ok(position)
            }
            Self::Writing(_) => Err(no_io("reading on write only file")),
        }
    }

    /// Sees to it that what was written is kept.
    pub(crate) async fn flush(self) -> Result<()> {
        match self {
            Self::Local(local) => blocking(move || local.flush()).await,
            Self::Writing(writing) => writing.close().await,
            Self::Reading(_) => Ok(()),
        }
    }
}

// === impl Local ===

impl Local {
    fn flush(&self) -> Result<()> {
        if !self.dirty.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        match self.file.sync_all() {
            // Devices that have nothing to flush.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            Err(error) => Err(Error::internal(format_args!(
                "cannot write `{}`: {error}",
                self.path
            ))),
            Ok(()) => Ok(()),
        }
    }
}

fn no_io(reason: &str) -> Error {
    Error::internal(format_args!("I/O operation failed for {reason}."))
}
