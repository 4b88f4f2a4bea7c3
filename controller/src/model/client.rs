//! Clients: people and machines that lease exporters.

use super::{Key, Labels, Migrated, Time, Uid};

/// Who may ask for leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// This incarnation.
    pub uid: Uid,
    /// Its name.
    pub key: Key,
    /// What access policies look at.
    pub labels: Labels,
    /// External identity that may act as it, as `dex:alice`.
    pub username: Option<String>,
    /// From another installation.
    pub migrated: Option<Migrated>,
    /// Made by itself when somebody with an external identity first came.
    pub provisioned: bool,
    /// Grows with every change.
    pub generation: i64,
    /// When it was made.
    pub created: Time,
}
