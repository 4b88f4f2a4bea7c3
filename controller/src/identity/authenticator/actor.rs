//! The objects that callers act as: clients and exporters.

use crate::identity::{AuthError, Subject};
use crate::model::{Client, CredentialKind, Exporter, Key, Migrated, Uid};

/// An object that the caller of a method acts as.
pub(super) trait Actor {
    /// What errors call it.
    const WORD: &'static str;
    /// The value of `jumpstarter-kind`.
    const HEADER: &'static str;
    const KIND: CredentialKind;
    fn key(&self) -> &Key;
    fn uid(&self) -> Uid;
    fn username(&self) -> Option<&str>;
    fn migrated(&self) -> Option<&Migrated>;
}

// === impl Actor ===

impl Actor for Client {
    const WORD: &'static str = "client";
    const HEADER: &'static str = "Client";
    const KIND: CredentialKind = CredentialKind::Client;

    fn key(&self) -> &Key {
        &self.key
    }
    fn uid(&self) -> Uid {
        self.uid
    }
    fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
    fn migrated(&self) -> Option<&Migrated> {
        self.migrated.as_ref()
    }
}

impl Actor for Exporter {
    const WORD: &'static str = "exporter";
    const HEADER: &'static str = "Exporter";
    const KIND: CredentialKind = CredentialKind::Exporter;

    fn key(&self) -> &Key {
        &self.key
    }
    fn uid(&self) -> Uid {
        self.uid
    }
    fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
    fn migrated(&self) -> Option<&Migrated> {
        self.migrated.as_ref()
    }
}

pub(super) fn not_found<T: Actor>(key: &Key) -> AuthError {
    AuthError::NotFound {
        kind: T::WORD,
        key: key.clone(),
    }
}

/// The token subjects that may act as an object: ours, and that of the installation it came from.
pub(super) fn subjects<T: Actor>(object: &T) -> impl Iterator<Item = String> {
    let key = object.key();
    let ours = Subject {
        kind: T::KIND,
        key: key.clone(),
        uid: object.uid().to_string(),
    };
    let theirs = object.migrated().map(|migrated| {
        let namespace = migrated.namespace.as_ref().unwrap_or(&key.namespace);
        Subject {
            kind: T::KIND,
            key: Key::new(namespace, &key.name),
            uid: migrated.uid.clone().unwrap_or_else(|| ours.uid.clone()),
        }
    });
    let theirs = theirs.map(|subject| subject.to_string());
    std::iter::once(ours.to_string()).chain(theirs)
}
