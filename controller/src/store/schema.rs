//! The tables, and how older databases get them.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// The application id in the header of the file, `JMPC`.
pub(super) const APPLICATION: i32 = 0x4a4d_5043;

/// Each one brings the database to the next version. They never change once released.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

/// The version after all migrations.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Applies the migrations that are missing.
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

/// The version of a database; an error if it is newer than [`KNOWN`].
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
