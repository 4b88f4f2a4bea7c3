//! What can be wrong with the database, and what to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder cannot be used.
    #[error(
        "cannot use the database `{}`: {source}; see that its folder is there, and that the \
         controller's user may read and write both", path.display()
    )]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The path names a folder, a device or a socket.
    #[error("`{}` is not a file, so it cannot be a database; name another path", path.display())]
    NotAFile { path: PathBuf },
    /// The file is empty: it has lost its content, since a new database gets its name when it is complete.
    #[error(
        "the database `{}` has lost its content; restore a backup with `jmp-controller restore`, or \
         move it away with its `-wal` and `-shm` files to begin with an empty lab", path.display()
    )]
    Empty { path: PathBuf },
    /// The file is gone, but its journal is not.
    #[error(
        "there is no database `{}`, but `{}` is left of one and would get into a new one; put the \
         database back where it was, or move what is left of it away, too", path.display(),
        left.display()
    )]
    Remains {
        path: PathBuf,
        /// The journal.
        left: PathBuf,
    },
    /// The file is not a database.
    #[error(
        "`{}` is not a database; name another path, or restore a backup with `jmp-controller \
         restore`", path.display()
    )]
    NotADatabase { path: PathBuf },
    /// The file is a database of another application.
    #[error(
        "`{}` is a database, but not one of a controller; name another path", path.display()
    )]
    Foreign { path: PathBuf },
    /// A newer program has changed the tables.
    #[error(
        "the database `{}` is of version {found}, this program knows versions up to {known}; install \
         the newer program again, or restore a backup from before the update", path.display()
    )]
    Newer {
        path: PathBuf,
        /// The version of the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// SQLite failed.
    #[error("the database `{}`: {source}; {}", path.display(), advice(.source))]
    Failed {
        path: PathBuf,
        source: rusqlite::Error,
    },
    /// SQLite failed; `Self::at` adds the file.
    #[error("{}; {}", .0, advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// Its parts contradict each other.
    #[error(
        "the database `{}` is damaged: {what}; restore a backup with `jmp-controller restore`",
        path.display()
    )]
    Broken {
        path: PathBuf,
        /// The first damage that was found.
        what: String,
    },
    /// A row has a value that this program never writes.
    #[error(
        "table `{table}` of the database holds something that cannot be: {what}; restore a backup \
         with `jmp-controller restore`"
    )]
    Damaged {
        table: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The copy would replace a file.
    #[error("`{}` is there already; name a new file", path.display())]
    Exists { path: PathBuf },
    /// The writing thread cannot be started.
    #[error("no thread for the database: {0}; raise the limit on threads (`TasksMax=`)")]
    Thread(#[source] std::io::Error),
    /// The writing thread has ended.
    #[error("the database is closed")]
    Closed,
}

/// What to do about it, for the message.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds it, perhaps a `sqlite3` shell or a backup of the file; end that \
             program (`fuser -v` on the file names it)"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "see that the controller's user may write the file and its folder"
        }
        Some(ErrorCode::DiskFull) => "free some space on its file system",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "it is damaged; restore a backup with `jmp-controller restore`"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk is full or failing; look at `df` and at the log of the system"
        }
        Some(ErrorCode::OutOfMemory) => "give the controller more memory",
        _ => "it is not as this program leaves it; restore a backup with `jmp-controller restore`",
    }
}

// === impl StoreError ===

impl StoreError {
    /// Adds the path of the file to an SQLite error.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Sqlite(source) => Self::Failed {
                path: path.to_owned(),
                source,
            },
            other => other,
        }
    }

    /// Turns an error of the file system into one about this file.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
