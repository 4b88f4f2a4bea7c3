//! Tokens that were issued, by their ids.

use super::{Time, Uid};

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// Acts as a client.
    Client,
    /// Acts as an exporter.
    Exporter,
    /// Administers the lab.
    Admin,
}

/// A token that was issued. The token itself is nowhere but with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The id in the token.
    pub jti: String,
    /// What it is for.
    pub kind: CredentialKind,
    /// The incarnation of the client or exporter that it belongs to; of an administrator, his own.
    pub owner: Uid,
    /// The name of an administrator's token; for people.
    pub label: String,
    /// The key that signed it.
    pub key_id: String,
    /// When it was issued.
    pub issued: Time,
    /// When it ends by itself.
    pub expires: Time,
    /// From when on it is no longer good; not after it was issued if it is good at no time.
    pub revoked: Option<Time>,
}

// === impl Credential ===

impl Credential {
    /// Whether it is good at this time.
    pub fn is_good(&self, now: Time) -> bool {
        let is_in_force = |revoked| now < revoked && self.issued < revoked;
        now < self.expires && self.revoked.is_none_or(is_in_force)
    }
}
