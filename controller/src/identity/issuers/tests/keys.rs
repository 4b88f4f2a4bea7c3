//! Keys of all kinds that identity providers sign with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use jumpstarter_client::Secret;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// Signs with one algorithm.
pub(in crate::identity) struct Signer {
    pub(super) id: Option<String>,
    pub(super) algorithm: &'static str,
    key: Kind,
}

enum Kind {
    Library(EncodingKey, Algorithm),
    P521(EcdsaKeyPair),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

// === impl Signer ===

impl Signer {
    pub(in crate::identity) fn new(id: &str, algorithm: &'static str) -> Self {
        let ec = |params, name| {
            let pair = KeyPair::generate_for(params).unwrap();
            Kind::Library(EncodingKey::from_ec_der(&pair.serialize_der()), name)
        };
        let rsa = || {
            let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
            let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
            Kind::Library(key, algorithm.parse().unwrap())
        };
        let key = match algorithm {
            "ES256" => ec(&PKCS_ECDSA_P256_SHA256, Algorithm::ES256),
            "ES384" => ec(&PKCS_ECDSA_P384_SHA384, Algorithm::ES384),
            "ES512" => {
                let scheme = &ECDSA_P521_SHA512_FIXED_SIGNING;
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &SystemRandom::new()).unwrap();
                Kind::P521(EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref()).unwrap())
            }
            _ => rsa(),
        };
        let id = Some(id.to_owned());
        Self { id, algorithm, key }
    }

    /// The same key, without an id.
    pub(super) fn nameless(mut self) -> Self {
        self.id = None;
        self
    }

    /// The JWK that the provider publishes.
    pub(super) fn published(&self) -> Value {
        let mut jwk = match &self.key {
            Kind::Library(key, algorithm) => {
                let jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
                serde_json::to_value(jwk).unwrap()
            }
            Kind::P521(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..67]), encode(&point[67..]));
                json!({"kty": "EC", "crv": "P-521", "x": x, "y": y})
            }
        };
        jwk["use"] = json!("sig");
        if let Some(id) = &self.id {
            jwk["kid"] = json!(id);
        }
        jwk
    }

    pub(in crate::identity) fn sign(&self, claims: &Value) -> Secret<String> {
        let mut header = json!({"alg": self.algorithm, "typ": "JWT"});
        if let Some(id) = &self.id {
            header["kid"] = json!(id);
        }
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = match &self.key {
            Kind::Library(key, algorithm) => {
                crypto::sign(message.as_bytes(), key, *algorithm).unwrap()
            }
            Kind::P521(pair) => {
                encode(pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap())
            }
        };
        Secret::new(format!("{message}.{signature}"))
    }
}
