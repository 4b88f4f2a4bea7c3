//! Clients: people and machines that lease exporters.

use super::{Key, Labels, Migrated, Time, Uid};

/// A client, which may ask for leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub uid: Uid,
    pub key: Key,
    /// Labels that access policies select by.
    pub labels: Labels,
    /// The external user that may act as it, as `dex:alice`.
    pub username: Option<String>,
    /// The other subject of its tokens, if it comes from another installation.
    pub migrated: Option<Migrated>,
    /// Whether it was made for an external user on the first call.
    pub provisioned: bool,
    /// Counts the changes.
    pub generation: i64,
    pub created: Time,
}
