//! Records of the tokens that were issued, by their ids.

use super::{Time, Uid};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// To act as a client.
    Client,
    /// To act as an exporter.
    Exporter,
    /// To administer the lab.
    Admin,
}

/// The record of a token that was issued. The token itself is only with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The `jti` of the token.
    pub jti: String,
    pub kind: CredentialKind,
    /// The uid of the client or exporter that it belongs to; administrators have one, too.
    pub owner: Uid,
    /// The name of the administrator; empty for clients and exporters.
    pub label: String,
    /// The `kid` of the key that signed it.
    pub key_id: String,
    pub issued: Time,
    /// When it expires.
    pub expires: Time,
    /// From when on it is revoked; not after `issued` if it is never valid.
    pub revoked: Option<Time>,
}

// === impl Credential ===

impl Credential {
    /// Whether it is valid at this time.
    pub fn is_good(&self, now: Time) -> bool {
        let is_in_force = |revoked| now < revoked && self.issued < revoked;
        now < self.expires && self.revoked.is_none_or(is_in_force)
    }
}
