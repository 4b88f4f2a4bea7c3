//! Reading the database.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{Loaded, StoreError, rows};
use crate::lab::LeaseQuery;
use crate::model::{Key, Lease, Time, Uid};

/// Selects records of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only records about this object, with its kind, as `lease`.
    pub object: Option<(String, Key)>,
    /// Only records before this id.
    pub before: Option<i64>,
    /// At most this many.
    pub most: usize,
}

/// A record of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Grows with every record, even if the clock is set back.
    pub id: i64,
    pub at: Time,
    /// Who did it, as `admin:root`.
    pub actor: String,
    /// What was done, in one word.
    pub what: String,
    /// The kind of the object.
    pub kind: String,
    /// The object it was done to.
    pub object: Key,
    /// Details for people.
    pub detail: String,
}

const AUDIT: &str = "SELECT * FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
const AUDIT_OF: &str = "SELECT * FROM audit WHERE id < ?1 AND kind = ?3 AND namespace = ?4 \
                        AND name = ?5 ORDER BY id DESC LIMIT ?2";
const LEASES: &str =
    "SELECT * FROM leases WHERE namespace = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
const OPEN: &str = "SELECT * FROM leases WHERE state <> 'ended'";
/// One lookup for each exporter, not for each of all past leases.
const USED: &str = "SELECT uid, (SELECT max(began) FROM leases WHERE exporter_uid = exporters.uid) \
                    AS began FROM exporters";
/// How many rows are read at a time for a page; labels are compared afterwards.
const CHUNK: usize = 512;

pub(super) fn load(connection: &Connection) -> Result<Loaded, StoreError> {
    // A snapshot: all tables at the same moment.
    let transaction = connection.unchecked_transaction()?;
    let loaded = Loaded {
        exporters: all(
            &transaction,
            "SELECT * FROM exporters",
            [],
            rows::exporter::read,
        )?,
        clients: all(
            &transaction,
            "SELECT * FROM clients",
            [],
            rows::client::read,
        )?,
        policies: all(
            &transaction,
            "SELECT * FROM policies",
            [],
            rows::policy::read,
        )?,
        credentials: all(
            &transaction,
            "SELECT * FROM credentials",
            [],
            rows::credential::read,
        )?,
        leases: all(&transaction, OPEN, [], rows::lease::read)?,
        used: used(&transaction)?,
    };
    Ok(loaded)
}

pub(super) fn lease(connection: &Connection, key: &Key) -> Result<Option<Arc<Lease>>, StoreError> {
    connection
        .prepare_cached("SELECT * FROM leases WHERE namespace = ?1 AND name = ?2")?
        .query_row((&key.namespace, &key.name), |row| {
            Ok(rows::lease::read(row))
        })
        .optional()?
        .transpose()
        .map(|lease| lease.map(Arc::new))
}

pub(super) fn leases(
    connection: &Connection,
    query: &LeaseQuery,
) -> Result<Vec<Arc<Lease>>, StoreError> {
    let most = query.page.most.unwrap_or(usize::MAX);
    let mut after = query.page.after.clone().unwrap_or_default();
    let mut found = Vec::new();
    loop {
        let chunk: Vec<Arc<Lease>> = all(
            connection,
            LEASES,
            (&query.namespace, &after, CHUNK as i64),
            rows::lease::read,
        )?;
        let Some(last) = chunk.last() else {
            return Ok(found);
        };
        after.clone_from(&last.key.name);
        let whole = chunk.len() == CHUNK;
        let matching = chunk.into_iter().filter(|lease| {
            let labels = lease.labels();
            query
                .labels
                .matches(|key| labels.get(key).map(String::as_str))
        });
        found.extend(matching);
        if found.len() >= most || !whole {
            found.truncate(most);
            return Ok(found);
        }
    }
}

pub(super) fn audit(
    connection: &Connection,
    query: &AuditQuery,
) -> Result<Vec<Recorded>, StoreError> {
    let before = query.before.unwrap_or(i64::MAX);
    let most = i64::try_from(query.most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(match query.object {
        Some(_) => AUDIT_OF,
        None => AUDIT,
    })?;
    let mut rows = match &query.object {
        Some((kind, key)) => statement.query((before, most, kind, &key.namespace, &key.name))?,
        None => statement.query((before, most))?,
    };
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(rows::audit::read(row)?);
    }
    Ok(found)
}

fn used(connection: &Connection) -> Result<Vec<(Uid, Time)>, StoreError> {
    let mut statement = connection.prepare(USED)?;
    let mut rows = statement.query([])?;
    let mut used = Vec::new();
    while let Some(row) = rows.next()? {
        let uid: String = row.get("uid")?;
        let began: Option<i64> = row.get("began")?;
        if let (Ok(uid), Some(began)) = (uuid::Uuid::parse_str(&uid), began) {
            used.push((Uid(uid), Time(began)));
        }
    }
    Ok(used)
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<Arc<T>>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Arc::new(read(row)?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// SQLite's plan for a query.
    fn plan(sql: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.db");
        let connection = crate::store::open::open(&path).unwrap();
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        for at in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(at, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan += &format!("{}\n", row.get::<_, String>("detail").unwrap());
        }
        plan
    }

    #[test]
    fn nothing_looks_at_every_lease_there_ever_was() {
        assert!(
            plan(OPEN).contains("USING INDEX leases_open"),
            "{}",
            plan(OPEN)
        );
        assert!(
            plan(USED).contains("USING COVERING INDEX leases_used"),
            "{}",
            plan(USED)
        );
        assert!(
            plan(AUDIT_OF).contains("USING INDEX audit_object"),
            "{}",
            plan(AUDIT_OF)
        );
        for sql in [LEASES, OPEN, USED, AUDIT, AUDIT_OF] {
            let plan = plan(sql);
            assert!(
                !plan.contains("SCAN leases\n") && !plan.contains("TEMP"),
                "{plan}"
            );
        }
    }
}
