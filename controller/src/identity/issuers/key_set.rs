//! The public keys of an issuer.

use serde::Deserialize;
use serde_json::Value;

use super::error::FetchError;
use crate::identity::jws::Jws;
use crate::identity::public_key::{Jwk, PublicKey};

/// The keys of a JWKS document, with their ids.
#[derive(Debug)]
pub(super) struct KeySet(Vec<(Option<String>, PublicKey)>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

// === impl KeySet ===

impl KeySet {
    /// Reads a JWKS document. Keys that cannot be used, such as those for encryption, are left out.
    pub(super) fn parse(document: &[u8]) -> Result<Self, FetchError> {
        let document: Document =
            serde_json::from_slice(document).map_err(|error| FetchError::Content {
                what: "the key set",
                why: error.to_string(),
            })?;
        let usable = document.keys.into_iter().filter_map(|key| {
            let mut key: Jwk = serde_json::from_value(key).ok()?;
            let public = key.key()?;
            Some((key.kid.take(), public))
        });
        let keys: Vec<_> = usable.collect();
        if keys.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(Self(keys))
    }

    /// Whether one of the keys signed the token: one with the id that it names, or one without an id.
    pub(super) fn signed(&self, jws: &Jws<'_>) -> bool {
        let may_be = |id: &Option<String>| match (id.as_deref(), jws.key_id()) {
            (Some(id), Some(named)) => id == named,
            _ => true,
        };
        let mut keys = self.0.iter().filter(|(id, _)| may_be(id));
        keys.any(|(_, key)| jws.is_signed_by(key))
    }
}
