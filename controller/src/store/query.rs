//! What is read.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{Loaded, StoreError, rows};
use crate::lab::LeaseQuery;
use crate::model::{Key, Lease, Time, Uid};

/// So many rows are looked at for a page before its labels are compared.
const CHUNK: usize = 512;

pub(super) fn load(connection: &Connection) -> Result<Loaded, StoreError> {
    // One moment for all tables.
    let transaction = connection.unchecked_transaction()?;
    let now = Time::now();
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
            "SELECT * FROM credentials WHERE expires > ?1",
            [now.0],
            rows::credential::read,
        )?,
        leases: all(
            &transaction,
            "SELECT * FROM leases WHERE state <> 'ended'",
            [],
            rows::lease::read,
        )?,
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
            "SELECT * FROM leases WHERE namespace = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
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

/// For each exporter that there is, not for each lease that there was.
fn used(connection: &Connection) -> Result<Vec<(Uid, Time)>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT uid, (SELECT max(began) FROM leases WHERE exporter_uid = exporters.uid) AS began \
         FROM exporters",
    )?;
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
