//! Deletes leases that ended long ago, and old records, a little at a time, so that nobody waits for
//! it.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;
use crate::model::Time;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many rows of a table are deleted in one transaction. They are scattered over the file, and
/// commands wait meanwhile.
pub(super) const CHUNK: usize = 100;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long leases are kept after their end.
    pub leases: Duration,
    /// How many leases are kept at most, except those whose names are still reserved.
    pub most_leases: usize,
    /// How long after its end the name of a lease stays reserved.
    pub names: Duration,
    /// How long records of the audit log are kept.
    pub audit: Duration,
    /// How many records are kept at most.
    pub most_audit: usize,
    /// How long credentials are kept after they have expired.
    pub credentials: Duration,
}

/// Deletes a little; returns whether there may be more.
pub(super) fn forget(
    connection: &mut Connection,
    retention: &Retention,
    now: Time,
) -> Result<bool, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = [
        old_leases(&transaction, now.before(retention.leases))?,
        many_leases(
            &transaction,
            now.before(retention.names),
            retention.most_leases,
        )?,
        old_audit(&transaction, now.before(retention.audit))?,
        many_audit(&transaction, retention.most_audit)?,
    ];
    transaction.commit()?;
    Ok(gone.contains(&CHUNK))
}

fn old_leases(transaction: &Transaction<'_>, before: Time) -> Result<usize, StoreError> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM leases WHERE uid IN (SELECT uid FROM leases WHERE state = 'ended' \
         AND ended < ?1 ORDER BY ended LIMIT ?2)",
    )?;
    Ok(delete.execute((before.0, CHUNK as i64))?)
}

fn many_leases(
    transaction: &Transaction<'_>,
    before: Time,
    most: usize,
) -> Result<usize, StoreError> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM leases WHERE uid IN (SELECT uid FROM leases WHERE state = 'ended' \
         AND ended < ?1 ORDER BY ended DESC LIMIT ?2 OFFSET ?3)",
    )?;
    Ok(delete.execute((before.0, CHUNK as i64, number(most)))?)
}

fn old_audit(transaction: &Transaction<'_>, before: Time) -> Result<usize, StoreError> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)",
    )?;
    Ok(delete.execute((before.0, CHUNK as i64))?)
}

fn many_audit(transaction: &Transaction<'_>, most: usize) -> Result<usize, StoreError> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= \
         (SELECT max(id) FROM audit) - ?2 ORDER BY id LIMIT ?1)",
    )?;
    Ok(delete.execute((CHUNK as i64, number(most)))?)
}

fn number(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

// === impl Retention ===

impl Default for Retention {
    fn default() -> Self {
        Self {
            leases: 30 * DAY,
            most_leases: 100_000,
            names: DAY,
            audit: 90 * DAY,
            most_audit: 1_000_000,
            credentials: 30 * DAY,
        }
    }
}
