//! Backups of the database, made while it is used, and restored.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Store, StoreError, open, schema};

// === impl Store ===

impl Store {
    /// Copies the database as it is at this moment to a new file, while everything else goes on. The
    /// file is there whole or not at all.
    ///
    /// # Errors
    ///
    /// The file exists already, or cannot be written.
    pub async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        self.read(move |connection| copy(connection, &to)).await
    }
}

/// Makes a new database from a backup, after checking all of it.
///
/// # Errors
///
/// The backup is damaged or not a database of a controller; or `to` exists already.
pub fn restore(backup: &Path, to: &Path) -> Result<(), StoreError> {
    open::identify(backup)?;
    let restored = || -> Result<(), StoreError> {
        let connection = open::read(backup)?;
        schema::version(&connection, backup)?;
        whole(&connection, backup)?;
        copy(&connection, to)
    };
    restored().map_err(|error| error.at(backup))
}

/// Checks the whole file: pages, indexes, constraints.
fn whole(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Broken {
            path: path.to_owned(),
            what: found,
        }),
    }
}

fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let exists = || StoreError::Exists {
        path: to.to_owned(),
    };
    if to.symlink_metadata().is_ok() {
        return Err(exists());
    }
    open::remains(to)?;
    let part = open::draft(to);
    let Some(name) = part.to_str() else {
        return Err(StoreError::NotAFile {
            path: to.to_owned(),
        });
    };
    open::empty(&part)?;
    // A snapshot of one moment, however long the copy takes.
    let copied = from.execute("VACUUM INTO ?1", [name]);
    copied
        .map_err(|error| StoreError::Sqlite(error).at(to))
        .and_then(|_| open::settle(&part, to))
        .inspect_err(|_| open::discard(&part))
}
