//! Changes, object by object: the same list goes to the database and to the state in memory.

use std::sync::Arc;

use crate::model::{Client, Credential, Exporter, Key, Lease, Policy, Time, Uid};

/// A new, changed or deleted object.
#[derive(Clone, Debug)]
pub enum Change {
    /// New or changed.
    Exporter(Arc<Exporter>),
    /// Deleted with its credentials.
    NoExporter(Uid),
    /// New or changed.
    Client(Arc<Client>),
    /// Deleted with its credentials.
    NoClient(Uid),
    /// New or changed.
    Policy(Arc<Policy>),
    /// Deleted.
    NoPolicy(Uid),
    /// New or changed, ended or not.
    Lease(Arc<Lease>),
    /// New or changed.
    Credential(Arc<Credential>),
    /// Deleted; the `jti`.
    NoCredential(String),
    /// When exporters were last heard of.
    Seen(Vec<(Uid, Time)>),
    /// A record for the audit log.
    Audit(Event),
}

/// An event for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Time,
    /// Who did it: `client:lab/alice`, `admin:root`, or `lab` for what happens by itself.
    pub actor: String,
    /// What happened, in one word: `LeaseGranted`.
    pub what: &'static str,
    /// The kind of object: `lease`.
    pub kind: &'static str,
    /// The object it was done to.
    pub object: Key,
    /// Details for people.
    pub detail: String,
}
