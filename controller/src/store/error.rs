//! What can be wrong with a database, and what to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system does not let us at the file or its folder.
    #[error(
        "cannot use the database `{}`: {source}; see that its folder is there, and that the \
         controller's user may read and write both", path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder, a device, a socket.
    #[error("`{}` is not a file, so it cannot be a database; name another path", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Nothing is in it. A new database is never seen like that.
    #[error(
        "the database `{}` has lost its content; restore a backup with `jmp-controller restore`, or \
         move it away with its `-wal` and `-shm` files to begin with an empty lab", path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The database is gone, part of it is not.
    #[error(
        "there is no database `{}`, but `{}` is left of one and would get into a new one; put the \
         database back where it was, or move what is left of it away, too", path.display(),
        left.display()
    )]
    Remains {
        /// The database.
        path: PathBuf,
        /// What is left.
        left: PathBuf,
    },
    /// The file is something else.
    #[error(
        "`{}` is not a database; name another path, or restore a backup with `jmp-controller \
         restore`", path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error(
        "`{}` is a database, but not one of a controller; name another path", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer program has used it.
    #[error(
        "the database `{}` is of version {found}, this program knows versions up to {known}; install \
         the newer program again, or restore a backup from before the update", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// It is there, and something failed.
    #[error("the database `{}`: {source}; {}", path.display(), advice(.source))]
    Failed {
        /// The file.
        path: PathBuf,
        /// What failed.
        source: rusqlite::Error,
    },
    /// The same, before anybody has said in which file.
    #[error("{}; {}", .0, advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// Its parts contradict each other.
    #[error(
        "the database `{}` is damaged: {what}; restore a backup with `jmp-controller restore`",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first thing that was found.
        what: String,
    },
    /// A row says what no program of ours writes.
    #[error(
        "table `{table}` of the database holds something that cannot be: {what}; restore a backup \
         with `jmp-controller restore`"
    )]
    Damaged {
        /// Where.
        table: &'static str,
        /// What.
        what: String,
    },
    /// The copy would take the place of something.
    #[error("`{}` is there already; name a new file", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system has no thread for us.
    #[error("no thread for the database: {0}; raise the limit on threads (`TasksMax=`)")]
    Thread(#[source] std::io::Error),
    /// The thread that writes has ended.
    #[error("the database is closed")]
    Closed,
}

/// What to do next.
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
    /// Names the file.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Sqlite(source) => Self::Failed {
                path: path.to_owned(),
                source,
            },
            other => other,
        }
    }

    /// What the system says of a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
