//! The tables, and how older databases become as new ones.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// `JMPC`, in the header of the file: this is a database of a controller.
const APPLICATION: i64 = 0x4a4d_5043;

/// Each takes the database one version further. Only ever added to.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];

/// Creates what is missing.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(
        // Two programs that start at once take turns.
        rusqlite::TransactionBehavior::Immediate,
    )?;
    let number = |pragma: &str| transaction.pragma_query_value(None, pragma, |row| row.get(0));
    let application: i64 = number("application_id")?;
    let version: i64 = number("user_version")?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (tables > 0 || application != 0) {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let known = MIGRATIONS.len() as i64;
    if version > known || version < 0 {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        });
    }
    for migration in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
