//! Table `credentials`.

use rusqlite::{Connection, Row, named_params};

use super::Columns;
use crate::model::{Credential, CredentialKind, Uid};
use crate::store::StoreError;

const KINDS: [(CredentialKind, &str); 3] = [
    (CredentialKind::Client, "client"),
    (CredentialKind::Exporter, "exporter"),
    (CredentialKind::Admin, "admin"),
];

pub(in crate::store) fn put(
    connection: &Connection,
    credential: &Credential,
) -> Result<(), StoreError> {
    let kind = KINDS.iter().find(|(kind, _)| *kind == credential.kind);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO credentials (jti, kind, owner, label, key_id, issued, expires, \
             revoked) VALUES (:jti, :kind, :owner, :label, :key_id, :issued, :expires, :revoked)",
        )?
        .execute(named_params! {
            ":jti": credential.jti,
            ":kind": kind.map(|(_, name)| name),
            ":owner": credential.owner.to_string(),
            ":label": credential.label,
            ":key_id": credential.key_id,
            ":issued": credential.issued.0,
            ":expires": credential.expires.0,
            ":revoked": credential.revoked.map(|time| time.0),
        })?;
    Ok(())
}

pub(in crate::store) fn remove_of(connection: &Connection, owner: Uid) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM credentials WHERE owner = ?1",
        [owner.to_string()],
    )?;
    Ok(())
}

pub(in crate::store) fn remove(connection: &Connection, jti: &str) -> Result<(), StoreError> {
    connection.execute("DELETE FROM credentials WHERE jti = ?1", [jti])?;
    Ok(())
}

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Credential, StoreError> {
    let columns = Columns::of(row, "credentials");
    let kind: String = columns.get("kind")?;
    let known = KINDS.iter().find(|(_, name)| *name == kind);
    let (kind, _) = known.ok_or_else(|| columns.damaged(format!("kind {kind}")))?;
    Ok(Credential {
        jti: columns.get("jti")?,
        kind: *kind,
        owner: columns.uid("owner")?,
        label: columns.get("label")?,
        key_id: columns.get("key_id")?,
        issued: columns.time("issued")?,
        expires: columns.time("expires")?,
        revoked: columns.maybe_time("revoked")?,
    })
}
