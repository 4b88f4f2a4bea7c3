//! What can be wrong with a database, and what to do about it.

use std::path::PathBuf;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file cannot be used.
    #[error("cannot open the database `{}`: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
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
    /// The file is a database of something else.
    #[error("`{}` is a database, but not one of a controller", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was opened and then something failed.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row says what no program of ours writes.
    #[error("table `{table}` holds something that cannot be: {what}")]
    Damaged {
        /// Where.
        table: &'static str,
        /// What.
        what: String,
    },
    /// The thread that writes has ended.
    #[error("the database is closed")]
    Closed,
}
