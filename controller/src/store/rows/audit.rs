//! Table `audit`.

use rusqlite::{Connection, Row, named_params};

use super::Columns;
use crate::model::Key;
use crate::store::{Event, Recorded, StoreError};

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

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let columns = Columns::of(row, "audit");
    Ok(Recorded {
        id: columns.get("id")?,
        at: columns.time("at")?,
        actor: columns.get("actor")?,
        what: columns.get("what")?,
        kind: columns.get("kind")?,
        object: Key::new(
            columns.get::<String>("namespace")?,
            columns.get::<String>("name")?,
        ),
        detail: columns.get("detail")?,
    })
}
