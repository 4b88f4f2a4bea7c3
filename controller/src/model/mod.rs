//! The objects of a lab: plain data, without I/O.
//!
//! Objects are replaced as a whole, never changed in place, so that a reader always has a consistent
//! one.

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

/// Labels, tags or contexts, sorted by key.
pub type Labels = BTreeMap<String, String>;

/// Identifies an object; one that is deleted and made again under the same name has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(pub Uuid);

/// The name of an object with its namespace. Of which kind the object is, the context says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: String,
    /// Unique among the objects of one kind in the namespace.
    pub name: String,
}

/// A second subject that tokens of an object may have, from the installation it was moved from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The namespace in that subject; `None` is the object's own.
    pub namespace: Option<String>,
    /// The uid in that subject; `None` is the object's own.
    pub uid: Option<String>,
}

// === impl Uid ===

impl Uid {
    /// A new, random uid.
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
