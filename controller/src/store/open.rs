//! Opens a database of ours, and leaves all other files alone.
//!
//! ```text
//!  nothing there ─► made whole under another name ─► renamed ─┐
//!  a file ─► its header says: ours ───────────────────────────┴─► opened ─► brought up to date
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use super::{BUSY, StoreError, schema};

/// The length of the SQLite header up to the application id, in bytes.
const HEADER: usize = 72;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The journal is truncated when it is larger than this, in bytes.
const JOURNAL: i64 = 64 << 20;

/// Opens the connection that writes.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match create(path) {
            // Another program that started at the same time was faster.
            Err(StoreError::Exists { .. }) => identify(path)?,
            made => made?,
        },
        _ => identify(path)?,
    }
    let ours = || -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        schema::migrate(&mut connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    };
    ours().map_err(|error| error.at(path))
}

/// Opens a connection that only reads.
pub(super) fn read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Checks by its first bytes that this is a database of a controller: SQLite itself would change a
/// foreign file before we could know.
pub(super) fn identify(path: &Path) -> Result<(), StoreError> {
    let file = fs::metadata(path).map_err(StoreError::file(path))?;
    let path_buf = || path.to_owned();
    if !file.is_file() {
        return Err(StoreError::NotAFile { path: path_buf() });
    }
    if file.len() == 0 {
        return Err(StoreError::Empty { path: path_buf() });
    }
    let mut header = Vec::with_capacity(HEADER);
    File::open(path)
        .and_then(|file| file.take(HEADER as u64).read_to_end(&mut header))
        .map_err(StoreError::file(path))?;
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Err(StoreError::NotADatabase { path: path_buf() });
    }
    if !header.ends_with(&schema::APPLICATION.to_be_bytes()) {
        return Err(StoreError::Foreign { path: path_buf() });
    }
    Ok(())
}

/// Makes a new database. It gets its name when it is complete, so an empty file of that name has lost
/// its content.
fn create(path: &Path) -> Result<(), StoreError> {
    remains(path)?;
    let new = draft(path);
    empty(&new)?;
    let made = || -> Result<(), StoreError> {
        let mut connection = Connection::open(&new)?;
        schema::migrate(&mut connection, &new)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(())
    };
    made()
        .map_err(|error| error.at(path))
        .and_then(|()| settle(&new, path))
        .inspect_err(|_| discard(&new))
}

/// Refuses a path with the journal of a lost database beside it, which SQLite would apply to the new
/// one.
pub(super) fn remains(path: &Path) -> Result<(), StoreError> {
    let left = ["-wal", "-shm", "-journal"].map(|ending| beside(path, ending));
    match left
        .into_iter()
        .find(|left| left.symlink_metadata().is_ok())
    {
        Some(left) => Err(StoreError::Remains {
            path: path.to_owned(),
            left,
        }),
        None => Ok(()),
    }
}

/// Makes an empty file that only its owner can read.
pub(super) fn empty(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(StoreError::file(path))
}

/// A name for an unfinished file, which cannot be guessed.
pub(super) fn draft(path: &Path) -> PathBuf {
    beside(path, &format!(".{}.part", Uuid::new_v4().simple()))
}

/// Deletes an unfinished file after a failure; whether that works does not matter.
pub(super) fn discard(draft: &Path) {
    drop(fs::remove_file(draft));
    drop(fs::remove_file(beside(draft, "-journal")));
}

/// Gives a finished file its name, unless that is taken, and syncs file and folder.
pub(super) fn settle(from: &Path, to: &Path) -> Result<(), StoreError> {
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(from)
        .and_then(|file| file.sync_all())
        .and_then(|()| rename_new(from, to))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Exists {
                path: to.to_owned(),
            },
            _ => StoreError::file(to)(error),
        })
}

/// Renames without replacing anything.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // File systems without hard links: reserve the name with an empty file, and replace only that.
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(to)?;
            fs::rename(from, to)
        }
    }
}

/// The path of a file beside this one.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
