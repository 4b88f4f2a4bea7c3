//! Keys that tokens are verified with, and which algorithms go with each.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;

/// All algorithms that issuers may sign with.
pub(super) const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
];

/// A public key, or a secret that two programs share.
#[derive(Clone)]
pub(super) struct PublicKey {
    kind: Kind,
    /// The only algorithm it may be used with, if its owner says so.
    only: Option<String>,
}

#[derive(Clone)]
enum Kind {
    P256(DecodingKey),
    P384(DecodingKey),
    /// The point on the curve, which the token library does not support.
    P521(Vec<u8>),
    Rsa(DecodingKey),
    Shared(DecodingKey),
}

/// A public key in a JWKS document. Fields of unsupported kinds of keys are left out.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    pub(super) kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

// === impl PublicKey ===

impl PublicKey {
    fn of(kind: Kind) -> Self {
        Self { kind, only: None }
    }

    /// From a point on P-256.
    pub(super) fn p256(point: &[u8]) -> Self {
        Self::of(Kind::P256(DecodingKey::from_ec_der(point)))
    }

    /// From a `-----BEGIN PUBLIC KEY-----` with a key on P-256, which all controllers have.
    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        let key = DecodingKey::from_ec_pem(pem.as_bytes()).ok()?;
        let is_point = key.try_get_as_bytes().is_ok_and(|point| point.len() == 65);
        is_point.then(|| Self::of(Kind::P256(key)))
    }

    /// From a shared secret.
    pub(super) fn shared(secret: &[u8]) -> Self {
        Self::of(Kind::Shared(DecodingKey::from_secret(secret)))
    }

    /// Whether it verifies `signature` with this algorithm.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.only.as_ref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let (key, algorithm) = match (&self.kind, algorithm) {
            (Kind::P521(point), "ES512") => {
                let key = UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point);
                return key.verify(message, signature).is_ok();
            }
            (Kind::P256(key), "ES256") => (key, Algorithm::ES256),
            (Kind::P384(key), "ES384") => (key, Algorithm::ES384),
            (Kind::Rsa(key), "RS256") => (key, Algorithm::RS256),
            (Kind::Rsa(key), "RS384") => (key, Algorithm::RS384),
            (Kind::Rsa(key), "RS512") => (key, Algorithm::RS512),
            (Kind::Rsa(key), "PS256") => (key, Algorithm::PS256),
            (Kind::Rsa(key), "PS384") => (key, Algorithm::PS384),
            (Kind::Rsa(key), "PS512") => (key, Algorithm::PS512),
            (Kind::Shared(key), "HS256") => (key, Algorithm::HS256),
            (Kind::Shared(key), "HS384") => (key, Algorithm::HS384),
            (Kind::Shared(key), "HS512") => (key, Algorithm::HS512),
            _ => return false,
        };
        let signature = URL_SAFE_NO_PAD.encode(signature);
        crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").finish_non_exhaustive()
    }
}

// === impl Jwk ===

impl Jwk {
    /// The key; `None` if it is not a public key for signatures, of a supported kind.
    pub(super) fn key(&self) -> Option<PublicKey> {
        if self.usage.as_ref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let kind = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (modulus, exponent) = (self.n.as_ref()?, self.e.as_ref()?);
                Kind::Rsa(DecodingKey::from_rsa_components(modulus, exponent).ok()?)
            }
            ("EC", Some("P-256")) => Kind::P256(DecodingKey::from_ec_der(&self.point(32)?)),
            ("EC", Some("P-384")) => Kind::P384(DecodingKey::from_ec_der(&self.point(48)?)),
            ("EC", Some("P-521")) => Kind::P521(self.point(66)?),
            _ => return None,
        };
        let only = self.alg.clone();
        Some(PublicKey { kind, only })
    }

    fn point(&self, size: usize) -> Option<Vec<u8>> {
        let decode = |text: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
            (bytes.len() == size).then_some(bytes)
        };
        Some([vec![4], decode(&self.x)?, decode(&self.y)?].concat())
    }
}
