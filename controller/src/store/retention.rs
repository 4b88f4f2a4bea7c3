//! What is forgotten: leases that ended long ago, and records of long ago. A little at a time, so that
//! nobody waits for it.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;
use crate::model::Time;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// So many rows of a kind go in one transaction. They are anywhere in the file, and whoever makes a lease
/// waits for it.
pub(super) const CHUNK: usize = 100;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Leases, for so long after their end.
    pub leases: Duration,
    /// No more leases than this, unless their names are still reserved.
    pub most_leases: usize,
    /// For so long after its end, nobody else can have the name of a lease.
    pub names: Duration,
    /// Records of what happened.
    pub audit: Duration,
    /// No more records than this.
    pub most_audit: usize,
    /// Credentials, for so long after they have run out.
    pub credentials: Duration,
}

/// Forgets some; says whether there may be more.
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
