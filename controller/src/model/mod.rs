//! What a lab consists of: plain data, without I/O.
//!
//! Objects are replaced whole, never changed in place, so that everybody who holds one holds a
//! consistent one.

mod client;
mod condition;
mod credential;
mod exporter;
mod lease;
mod policy;
#[cfg(test)]
pub(crate) mod samples;
mod time;
pub mod validate;
mod window;

use std::collections::BTreeMap;

pub use client::Client;
pub use condition::{Condition, ConditionType, Conditions};
pub use credential::{Credential, CredentialKind};
pub use exporter::{Device, Exporter, Reported};
pub use lease::{ENDED_LABEL, EndReason, ExporterRef, Lease, LeaseState, TAG_PREFIX};
pub use policy::{Policy, Rule};
pub use time::Time;
use uuid::Uuid;
pub use window::{Length, Window, WindowError, Wish};

/// Labels, tags, contexts: sorted by key.
pub type Labels = BTreeMap<String, String>;

/// One incarnation of an object: deleted and made again, it has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub Uuid);

/// The name of an object in its namespace. What it is the name of, the context says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Where.
    pub namespace: String,
    /// Unique among the objects of its kind there.
    pub name: String,
}

/// Another subject that tokens of an object may have, from the installation it was moved from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Namespace in the subject.
    pub namespace: Option<String>,
    /// Uid in the subject.
    pub uid: Option<String>,
}

// === impl Uid ===

impl Uid {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl std::fmt::Display for Uid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Key ===

impl Key {
    /// `name` in `namespace`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
