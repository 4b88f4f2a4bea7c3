//! The tables, and how older databases become as new ones.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// `JMPC`, in the header of the file: this is a database of a controller.
pub(super) const APPLICATION: i32 = 0x4a4d_5043;

/// Each takes the database one version further. Only ever added to.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

/// The version that this program makes.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Creates what is missing.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(
        // Two programs that start at once take turns.
        rusqlite::TransactionBehavior::Immediate,
    )?;
    let version = version(&transaction, path)?;
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    if version < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", KNOWN)?;
    }
    transaction.commit()?;
    Ok(())
}

/// How far it has come; no further than we know.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(found) {
        Ok(version) if found <= KNOWN => Ok(version),
        _ => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: KNOWN,
        }),
    }
}
