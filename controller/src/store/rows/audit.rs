//! Table `audit`.

use rusqlite::{Connection, named_params};

use crate::store::{Event, StoreError};

pub(in crate::store) fn put(connection: &Connection, event: &Event) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO audit (at, actor, what, kind, namespace, name, detail) VALUES (:at, \
             :actor, :what, :kind, :namespace, :name, :detail)",
        )?
        .execute(named_params! {
            ":at": event.at.0,
            ":actor": event.actor,
            ":what": event.what,
            ":kind": event.kind,
            ":namespace": event.object.namespace,
            ":name": event.object.name,
            ":detail": event.detail,
        })?;
    Ok(())
}
