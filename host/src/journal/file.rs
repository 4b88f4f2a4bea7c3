//! A small file that is replaced whole or not at all, and is on the disk when that is done.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// More than any journal has; what is longer is no journal.
const LONGEST: u64 = 64 << 10;

/// What the system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} the journal of open leases `{}`: {source}", path.display())]
pub struct JournalError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// What is in it; none if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read", path)(source)),
    }
}

/// Writes beside it and renames, so that a crash leaves the old or the new.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), JournalError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed("make the folder of", path))?;
    let draft = path.with_extension("new");
    let written = write_through(&draft, text).and_then(|()| fs::rename(&draft, path));
    if let Err(source) = written {
        // What is left of a draft that cannot be removed does no harm.
        fs::remove_file(&draft).ok();
        return Err(failed("write", path)(source));
    }
    sync(folder).map_err(failed("write", path))
}

pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Ok(()) => sync(path.parent().unwrap_or(Path::new("."))).map_err(failed("remove", path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed("remove", path)(source)),
    }
}

/// Makes room for a new one and keeps this for whoever wants to look at it.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, JournalError> {
    let aside = path.with_extension("unreadable");
    fs::rename(path, &aside).map_err(failed("set aside", path))?;
    Ok(aside)
}

fn write_through(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// A new name is on the disk when its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError {
        what,
        path: path.to_owned(),
        source,
    }
}
