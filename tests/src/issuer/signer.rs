//! The provider's key.

use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use rcgen::KeyPair;
use serde_json::{Value, json};

const NAME: &str = "the-only-one";

/// Signs with ES256.
pub(super) struct Signer(EncodingKey);

// === impl Signer ===

impl Signer {
    pub(super) fn new() -> Self {
        let pair = KeyPair::generate().expect("a key");
        Self(EncodingKey::from_ec_der(&pair.serialize_der()))
    }

    /// As others may know it.
    pub(super) fn published(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.0, Algorithm::ES256).expect("a key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(NAME);
        jwk
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(NAME.to_owned());
        jsonwebtoken::encode(&header, claims, &self.0).expect("a token")
    }
}
