//! Table `clients`.

use rusqlite::{Connection, Row, named_params};

use super::{Columns, json};
use crate::model::{Client, Key, Uid};
use crate::store::StoreError;

pub(in crate::store) fn put(connection: &Connection, client: &Client) -> Result<(), StoreError> {
    let migrated = client.migrated.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO clients (uid, namespace, name, labels, username, \
             migrated_namespace, migrated_uid, provisioned, generation, created) VALUES (:uid, \
             :namespace, :name, :labels, :username, :migrated_namespace, :migrated_uid, \
             :provisioned, :generation, :created) \
             ON CONFLICT (uid) DO UPDATE SET labels = excluded.labels, username = \
             excluded.username, migrated_namespace = excluded.migrated_namespace, migrated_uid \
             = excluded.migrated_uid, provisioned = excluded.provisioned, generation = \
             excluded.generation",
        )?
        .execute(named_params! {
            ":uid": client.uid.to_string(),
            ":namespace": client.key.namespace,
            ":name": client.key.name,
            ":labels": json(&client.labels),
            ":username": client.username,
            ":migrated_namespace": migrated.and_then(|migrated| migrated.namespace.as_ref()),
            ":migrated_uid": migrated.and_then(|migrated| migrated.uid.as_ref()),
            ":provisioned": client.provisioned,
            ":generation": client.generation,
            ":created": client.created.0,
        })?;
    Ok(())
}

pub(in crate::store) fn remove(connection: &Connection, uid: Uid) -> Result<(), StoreError> {
    connection.execute("DELETE FROM clients WHERE uid = ?1", [uid.to_string()])?;
    Ok(())
}

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Client, StoreError> {
    let columns = Columns::of(row, "clients");
    Ok(Client {
        uid: columns.uid("uid")?,
        key: Key::new(
            columns.get::<String>("namespace")?,
            columns.get::<String>("name")?,
        ),
        labels: columns.json("labels")?,
        username: columns.get("username")?,
        migrated: columns.migrated()?,
        provisioned: columns.get("provisioned")?,
        generation: columns.get("generation")?,
        created: columns.time("created")?,
    })
}
