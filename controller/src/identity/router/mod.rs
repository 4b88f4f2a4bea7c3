//! Tokens that open one side of a byte stream through a router.
//!
//! Client and exporter each get a token for the same stream, so that whoever steals one cannot take
//! both sides. Peers forward them without looking inside. Other routers ignore the claims that only we
//! add; tokens of other controllers, which open either side, are accepted here.

mod error;
mod spent;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use jumpstarter_client::Secret;
use serde::{Deserialize, Serialize};
use tonic::Status;
use uuid::Uuid;

pub use error::RouterTokenError;
pub use spent::SpentStreams;

use super::jws::Jws;
use super::public_key::PublicKey;
use super::{KeysError, Peer, files, metadata};
use crate::model::{Key, Time};

const ISSUER: &str = "https://jumpstarter.dev/stream";
const AUDIENCE: &str = "https://jumpstarter.dev/router";
/// How long a token can open its stream; the stream itself may last longer.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// By how much the clocks of controller and router may differ.
pub const LEEWAY: Duration = Duration::from_secs(60);
/// Keys with fewer characters than this cause a warning.
const SHORT: usize = 32;
/// Keys with fewer characters than this are refused: anybody with a token could guess them.
const TOO_SHORT: usize = 16;

/// Signs and verifies router tokens; cheap to clone.
#[derive(Clone)]
pub struct RouterTokens {
    signing: EncodingKey,
    verifying: PublicKey,
}

/// The two ends of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side that dialled.
    Client,
    /// The side that listened.
    Exporter,
}

/// The two tokens of a new stream.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The id of the stream.
    pub stream: Uuid,
    /// For the answer to Dial.
    pub client: Secret<String>,
    /// For the message on Listen.
    pub exporter: Secret<String>,
}

/// What a valid router token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterClaims {
    /// The id of the stream.
    pub stream: Uuid,
    /// The side that it opens; `None` is either, in a token of another controller.
    pub side: Option<Side>,
    /// The lease of the stream; `None` in a token of another controller.
    pub lease: Option<Key>,
    /// Until when the stream may be opened.
    pub expires: Time,
}

#[derive(Serialize)]
struct IssuedClaims {
    iss: &'static str,
    aud: [&'static str; 1],
    sub: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    side: Side,
    lease: String,
}

// === impl RouterTokens ===

impl RouterTokens {
    /// With the key in a file, which is made if it does not exist. Other routers need its text as
    /// `ROUTER_KEY`.
    ///
    /// # Errors
    ///
    /// The file cannot be used, or others can read it.
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        files::folder(folder)?;
        let _lock = files::lock(folder)?;
        let key = match files::read(path)? {
            Some(key) => key,
            None => {
                let key = random()?;
                files::write(path, &format!("{key}\n"))?;
                key
            }
        };
        Self::with_key(&Secret::new(key))
    }

    /// With a given key, which controller and routers share.
    ///
    /// # Errors
    ///
    /// The key is empty, or short enough to be guessed.
    pub fn with_key(key: &Secret<String>) -> Result<Self, KeysError> {
        // Files and shells add line ends.
        let key = key.expose().trim();
        if key.is_empty() {
            return Err(KeysError::EmptyRouterKey);
        }
        if key.len() < TOO_SHORT {
            return Err(KeysError::ShortRouterKey(key.len()));
        }
        if key.len() < SHORT {
            tracing::warn!(
                length = key.len(),
                "the router key is short; give it at least {SHORT} random characters"
            );
        }
        Ok(Self {
            signing: EncodingKey::from_secret(key.as_bytes()),
            verifying: PublicKey::shared(key.as_bytes()),
        })
    }

    /// Signs the two tokens for a new stream of a lease.
    pub fn pair(&self, lease: &Key) -> Result<Pair, KeysError> {
        let stream = Uuid::new_v4();
        Ok(Pair {
            client: self.sign(stream, Side::Client, lease)?,
            exporter: self.sign(stream, Side::Exporter, lease)?,
            stream,
        })
    }

    fn sign(&self, stream: Uuid, side: Side, lease: &Key) -> Result<Secret<String>, KeysError> {
        let now = Time::now();
        let seconds = |time: Time| time.0.div_euclid(1_000_000);
        let claims = IssuedClaims {
            iss: ISSUER,
            aud: [AUDIENCE],
            sub: stream.to_string(),
            jti: Uuid::new_v4().to_string(),
            iat: seconds(now),
            nbf: seconds(now),
            exp: seconds(now.after(LIFETIME)),
            side,
            lease: lease.to_string(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        token
            .map(Secret::new)
            .map_err(|error| KeysError::Crypto(error.to_string()))
    }

    /// Verifies a token; returns what it says.
    pub fn verify(&self, token: &Secret<String>) -> Result<RouterClaims, RouterTokenError> {
        self.verify_at(token, Time::now())
    }

    fn verify_at(
        &self,
        token: &Secret<String>,
        now: Time,
    ) -> Result<RouterClaims, RouterTokenError> {
        let jws = Jws::parse(token.expose())?;
        // No detail for the peer: a token that we did not sign deserves no explanation.
        if !jws.is_signed_by(&self.verifying) {
            return Err(super::TokenError::Signature.into());
        }
        if jws.text("iss") != Some(ISSUER) {
            return Err(RouterTokenError::Claim("iss"));
        }
        jws.is_for(&[AUDIENCE.to_owned()])?;
        let expires = jws.is_current(now, LEEWAY)?;
        if jws
            .time("iat")?
            .is_some_and(|issued| now.after(LEEWAY) < issued)
        {
            return Err(RouterTokenError::Claim("iat"));
        }
        let stream = jws.text("sub").and_then(|stream| stream.parse().ok());
        let side = match jws.claim("side") {
            None => None,
            Some(side) => {
                let side = Side::deserialize(side);
                Some(side.map_err(|_| RouterTokenError::Claim("side"))?)
            }
        };
        let lease = jws.text("lease").and_then(|lease| lease.split_once('/'));
        Ok(RouterClaims {
            stream: stream.ok_or(RouterTokenError::Claim("sub"))?,
            side,
            lease: lease.map(|(namespace, name)| Key::new(namespace, name)),
            expires,
        })
    }

    /// Verifies the token of a call to the router.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: impl Into<Peer>,
    ) -> Result<RouterClaims, Status> {
        let claims = metadata::bearer(headers)
            .map_err(|error| RouterTokenError::Header(error.to_string()))
            .and_then(|token| self.verify(&token));
        claims.map_err(|error| error.refuse(peer.into()))
    }
}

impl std::fmt::Debug for RouterTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouterTokens").finish_non_exhaustive()
    }
}

fn random() -> Result<String, KeysError> {
    let mut bytes = [0; 32];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| KeysError::Crypto("no random numbers".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
