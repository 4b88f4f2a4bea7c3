//! What a token says about itself. Nobody here could verify it, so it is believed.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::Secret;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims of a token.
#[derive(Debug)]
pub(crate) struct Claims(Map<String, Value>);

/// Why a token cannot be read.
#[derive(Debug, Error)]
#[error("Invalid JWT format: {0}")]
pub(crate) struct JwtError(String);

/// Whether both tokens are of one issuer; of those that do not say it, only what neither says is alike.
pub(crate) fn same_issuer(one: &Secret<String>, other: &Secret<String>) -> bool {
    let issuer = |token| Claims::of(token).ok()?.issuer().map(str::to_owned);
    issuer(one) == issuer(other)
}

// === impl Claims ===

impl Claims {
    pub(crate) fn of(token: &Secret<String>) -> Result<Self, JwtError> {
        let parts: Vec<&str> = token.expose().trim().split('.').collect();
        let [_, payload, _] = parts[..] else {
            let count = parts.len();
            return Err(JwtError(format!(
                "three parts with dots between, got {count}"
            )));
        };
        // The bytes themselves stay out of the message.
        let payload = BASE64
            .decode(payload)
            .map_err(|_| JwtError("the payload is no base64".to_owned()))?;
        match serde_json::from_slice(&payload) {
            Ok(Value::Object(claims)) => Ok(Self(claims)),
            Ok(_) | Err(_) => Err(JwtError("the payload is no JSON object".to_owned())),
        }
    }

    /// Who made it.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Whom it is about.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// When it ends, in seconds since 1970.
    pub(crate) fn expiry(&self) -> Option<f64> {
        self.0.get("exp")?.as_f64()
    }

    /// How many seconds it is still good for; less than nothing if it is not.
    pub(crate) fn remaining(&self) -> Option<f64> {
        let now = Timestamp::now().as_microsecond() as f64 / 1e6;
        Some(self.expiry()? - now)
    }

    /// A point in time, in whole seconds since 1970.
    pub(crate) fn time(&self, claim: &str) -> Option<i64> {
        self.0.get(claim)?.as_i64()
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn token(payload: &[u8]) -> Secret<String> {
        Secret::new(format!("e30.{}.sig", BASE64.encode(payload)))
    }

    #[test]
    fn claims_are_read_with_and_without_padding() {
        let payload = json!({"iss": "https://i", "exp": 5, "iat": 3, "auth_time": "x"}).to_string();
        let claims = Claims::of(&token(payload.as_bytes())).unwrap();
        assert_eq!(
            (claims.issuer(), claims.subject()),
            (Some("https://i"), None)
        );
        assert_eq!(
            (claims.time("iat"), claims.time("auth_time")),
            (Some(3), None)
        );
        assert!(claims.remaining().unwrap() < 0.0);
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        for token in [
            Secret::new("hunter2".to_owned()),
            Secret::new("a.hunter2!.c".to_owned()),
            token(b"hunter2"),
            token(b"[\"hunter2\"]"),
        ] {
            let error = Claims::of(&token).unwrap_err().to_string();
            assert!(error.starts_with("Invalid JWT format: "), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
