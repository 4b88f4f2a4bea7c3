//! What changes, object by object: the same list goes to the database and to the copies in memory.

use std::sync::Arc;

use crate::model::{Client, Credential, Exporter, Key, Lease, Policy, Time, Uid};

/// An object is new, is another, or is gone.
#[derive(Clone, Debug)]
pub enum Change {
    /// As it is from now on.
    Exporter(Arc<Exporter>),
    /// Gone, with its credentials.
    NoExporter(Uid),
    /// As it is from now on.
    Client(Arc<Client>),
    /// Gone, with its credentials.
    NoClient(Uid),
    /// As it is from now on.
    Policy(Arc<Policy>),
    /// Gone.
    NoPolicy(Uid),
    /// As it is from now on, ended or not.
    Lease(Arc<Lease>),
    /// As it is from now on.
    Credential(Arc<Credential>),
    /// Gone, by its id.
    NoCredential(String),
    /// The last signs of life of exporters.
    Seen(Vec<(Uid, Time)>),
    /// For the record.
    Audit(Event),
}

/// Something to remember: who did what to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Time,
    /// Who: `client:lab/alice`, `admin:root`, `lab` for what happens by itself.
    pub actor: String,
    /// What happened, in one word: `LeaseGranted`.
    pub what: &'static str,
    /// The kind of object: `lease`.
    pub kind: &'static str,
    /// Which.
    pub object: Key,
    /// More, for people.
    pub detail: String,
}
