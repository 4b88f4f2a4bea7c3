//! Table `exporters`.

use jumpstarter_proto::v1::ExporterStatus;
use rusqlite::{Connection, Row, named_params};

use super::{Columns, json};
use crate::model::{Exporter, Key, Reported, Time, Uid};
use crate::store::StoreError;

pub(in crate::store) fn put(
    connection: &Connection,
    exporter: &Exporter,
) -> Result<(), StoreError> {
    let reported = exporter.reported.as_ref();
    let migrated = exporter.migrated.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO exporters (uid, namespace, name, labels, told, username, \
             migrated_namespace, migrated_uid, enabled, devices, status, status_message, online, \
             last_seen, generation, created) VALUES (:uid, :namespace, :name, :labels, :told, \
             :username, :migrated_namespace, :migrated_uid, :enabled, :devices, :status, \
             :status_message, :online, :last_seen, :generation, :created) \
             ON CONFLICT (uid) DO UPDATE SET labels = excluded.labels, told = excluded.told, \
             username = excluded.username, migrated_namespace = excluded.migrated_namespace, \
             migrated_uid = excluded.migrated_uid, enabled = excluded.enabled, devices = \
             excluded.devices, status = excluded.status, status_message = \
             excluded.status_message, online = excluded.online, last_seen = excluded.last_seen, \
             generation = excluded.generation",
        )?
        .execute(named_params! {
            ":uid": exporter.uid.to_string(),
            ":namespace": exporter.key.namespace,
            ":name": exporter.key.name,
            ":labels": json(&exporter.labels),
            ":told": json(&exporter.told),
            ":username": exporter.username,
            ":migrated_namespace": migrated.and_then(|migrated| migrated.namespace.as_ref()),
            ":migrated_uid": migrated.and_then(|migrated| migrated.uid.as_ref()),
            ":enabled": exporter.enabled,
            ":devices": json(&exporter.devices),
            ":status": reported.map(|reported| i32::from(reported.status)),
            ":status_message": reported.map_or("", |reported| &reported.message),
            ":online": exporter.online,
            ":last_seen": exporter.last_seen.map(|time| time.0),
            ":generation": exporter.generation,
            ":created": exporter.created.0,
        })?;
    Ok(())
}

pub(in crate::store) fn remove(connection: &Connection, uid: Uid) -> Result<(), StoreError> {
    connection.execute("DELETE FROM exporters WHERE uid = ?1", [uid.to_string()])?;
    Ok(())
}

pub(in crate::store) fn seen(
    connection: &Connection,
    seen: &[(Uid, Time)],
) -> Result<(), StoreError> {
    let mut update =
        connection.prepare_cached("UPDATE exporters SET last_seen = ?2 WHERE uid = ?1")?;
    for (uid, at) in seen {
        update.execute((uid.to_string(), at.0))?;
    }
    Ok(())
}

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Exporter, StoreError> {
    let columns = Columns::of(row, "exporters");
    let status: Option<i32> = columns.get("status")?;
    let reported = match status {
        Some(status) => Some(Reported {
            status: ExporterStatus::try_from(status)
                .map_err(|error| columns.damaged(format!("status: {error}")))?,
            message: columns.get("status_message")?,
        }),
        None => None,
    };
    Ok(Exporter {
        uid: columns.uid("uid")?,
        key: Key::new(
            columns.get::<String>("namespace")?,
            columns.get::<String>("name")?,
        ),
        labels: columns.json("labels")?,
        told: columns.json("told")?,
        username: columns.get("username")?,
        migrated: columns.migrated()?,
        enabled: columns.get("enabled")?,
        devices: columns.json("devices")?,
        reported,
        online: columns.get("online")?,
        last_seen: columns.maybe_time("last_seen")?,
        generation: columns.get("generation")?,
        created: columns.time("created")?,
    })
}
