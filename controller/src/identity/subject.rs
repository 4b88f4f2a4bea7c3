//! The subject of our tokens: `client:<namespace>:<name>:<uid>`.

use std::str::FromStr;

use crate::model::{Client, CredentialKind, Exporter, Key, Uid};

/// The object that a token of ours belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The kind of the object.
    pub kind: CredentialKind,
    /// Its namespace and name.
    pub key: Key,
    /// Its uid, as text: other installations may use other formats.
    pub uid: String,
}

/// The text is not a subject of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a subject of an internal token")]
pub struct NoSubject;

// === impl Subject ===

impl Subject {
    /// The subject of a client's tokens.
    pub fn client(client: &Client) -> Self {
        Self::new(CredentialKind::Client, client.key.clone(), client.uid)
    }

    /// The subject of an exporter's tokens.
    pub fn exporter(exporter: &Exporter) -> Self {
        Self::new(CredentialKind::Exporter, exporter.key.clone(), exporter.uid)
    }

    /// The subject of an administrator's tokens; `uid` is the owner of the credential.
    pub fn admin(key: Key, uid: Uid) -> Self {
        Self::new(CredentialKind::Admin, key, uid)
    }

    fn new(kind: CredentialKind, key: Key, uid: Uid) -> Self {
        let uid = uid.to_string();
        Self { kind, key, uid }
    }
}

fn word(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Client => "client",
        CredentialKind::Exporter => "exporter",
        CredentialKind::Admin => "admin",
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Key { namespace, name } = &self.key;
        write!(f, "{}:{namespace}:{name}:{}", word(self.kind), self.uid)
    }
}

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let parts: Vec<&str> = text.split(':').collect();
        let &[kind, namespace, name, uid] = &parts[..] else {
            return Err(NoSubject);
        };
        let kinds = [
            CredentialKind::Client,
            CredentialKind::Exporter,
            CredentialKind::Admin,
        ];
        let kind = kinds.into_iter().find(|known| word(*known) == kind);
        Ok(Self {
            kind: kind.ok_or(NoSubject)?,
            key: Key::new(namespace, name),
            uid: uid.to_owned(),
        })
    }
}
