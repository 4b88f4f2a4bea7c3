//! Signed tokens, split into parts without being trusted.
//!
//! The order of the checks and their texts are our own (`exp` before the signature, the audience last),
//! and so is the choice of algorithms, which must come from the key and never from the token. So the
//! JWT library is used only to verify signatures.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::TokenError;
use super::error::Foreign;
use super::public_key::PublicKey;
use crate::model::Time;

/// The longest token that is looked at, in bytes; HTTP headers can hardly be longer.
pub(super) const LONGEST: usize = 16 * 1024;

/// The parts of a token.
pub(super) struct Jws<'a> {
    message: &'a [u8],
    signature: Vec<u8>,
    header: Header,
    claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

// === impl Jws ===

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Foreign(Foreign::Long));
        }
        Self::take_apart(token).ok_or(TokenError::Foreign(Foreign::Garbled))
    }

    fn take_apart(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        // `crit` names extensions without which the token must not be accepted; none is supported.
        if header.crit.is_some() {
            return None;
        }
        Some(Self {
            message: message.as_bytes(),
            signature: decode(signature)?,
            header,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
        })
    }

    /// The id of the key that allegedly signed it.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether `key` signed it.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(&self.header.alg, self.message, &self.signature)
    }

    /// Whether its header names one of these algorithms.
    pub(super) fn is_signed_with(&self, algorithms: &[&str]) -> bool {
        algorithms.contains(&self.header.alg.as_str())
    }

    pub(super) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// A claim that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claim(name)?.as_str()
    }

    /// A claim that is a time; `None` if it is missing.
    pub(super) fn time(&self, name: &str) -> Result<Option<Time>, TokenError> {
        let Some(value) = self.claim(name) else {
            return Ok(None);
        };
        let micros = match (value.as_i64(), value.as_f64()) {
            (Some(seconds), _) => Some(seconds.saturating_mul(1_000_000)),
            // The cast saturates for times out of range.
            (None, Some(seconds)) => Some((seconds * 1e6) as i64),
            (None, None) => None,
        };
        let wrong = || TokenError::Claim(name.to_owned());
        micros.map(|micros| Some(Time(micros))).ok_or_else(wrong)
    }

    /// Checks `exp` and `nbf` (with `leeway`); returns when it expires.
    pub(super) fn is_current(
        &self,
        now: Time,
        leeway: std::time::Duration,
    ) -> Result<Time, TokenError> {
        let end = self.time("exp")?.ok_or(TokenError::Endless)?;
        if now >= end {
            return Err(TokenError::Ended(end));
        }
        match self.time("nbf")? {
            Some(begin) if now.after(leeway) < begin => Err(TokenError::Early(begin)),
            _ => Ok(end),
        }
    }

    /// Checks that one of its audiences is among `expected`.
    pub(super) fn is_for(&self, expected: &[String]) -> Result<(), TokenError> {
        let got: Vec<String> = match self.claim("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => {
                let texts = all.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        if got.iter().any(|one| expected.contains(one)) {
            return Ok(());
        }
        let expected = expected.to_vec();
        Err(TokenError::Audience { expected, got })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            encode(r#"{"alg":"ES256"}"#),
            encode(claims),
            encode("x")
        )
    }

    fn current(claims: &str, now: i64) -> Result<Time, TokenError> {
        let leeway = std::time::Duration::from_secs(300);
        Jws::parse(&token(claims))?.is_current(Time(now * 1_000_000), leeway)
    }

    #[test]
    fn tokens_have_their_time() {
        let end = Time(1000 * 1_000_000);
        assert_eq!(current(r#"{"exp":1000}"#, 999), Ok(end));
        assert_eq!(current(r#"{"exp":1000.0}"#, 999), Ok(end));
        assert_eq!(
            current(r#"{"exp":1000}"#, 1000),
            Err(TokenError::Ended(end))
        );
        assert_eq!(current("{}", 0), Err(TokenError::Endless));
        assert_eq!(
            current(r#"{"exp":"soon"}"#, 0),
            Err(TokenError::Claim("exp".into()))
        );
        assert_eq!(current(r#"{"exp":1e300}"#, 0), Ok(Time(i64::MAX)));
        let begin = Time(500 * 1_000_000);
        assert_eq!(current(r#"{"exp":1000,"nbf":500}"#, 200), Ok(end));
        assert_eq!(
            current(r#"{"exp":1000,"nbf":500}"#, 199),
            Err(TokenError::Early(begin))
        );
    }

    #[test]
    fn audiences_are_one_or_many() {
        let wanted = ["jumpstarter".to_owned(), "lab".to_owned()];
        let is_for = |claims: &str| Jws::parse(&token(claims)).unwrap().is_for(&wanted);
        assert_eq!(is_for(r#"{"aud":"lab"}"#), Ok(()));
        assert_eq!(is_for(r#"{"aud":["x","jumpstarter"]}"#), Ok(()));
        for wrong in ["{}", r#"{"aud":[]}"#, r#"{"aud":7}"#, r#"{"aud":["x"]}"#] {
            assert!(
                matches!(is_for(wrong), Err(TokenError::Audience { .. })),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_not_a_token_is_foreign() {
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let critical = format!(
            "{}.e30.",
            encode(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#)
        );
        for wrong in [
            "",
            ".",
            "..",
            "a.b",
            "e30.e30.",
            "eyJhbGciOiJFUzI1NiJ9.bm8.",
            &format!("{}.e30.a.b", encode(r#"{"alg":"ES256"}"#)),
            &token(&deep),
            &critical,
        ] {
            let error = Jws::parse(wrong).err();
            assert_eq!(
                error,
                Some(TokenError::Foreign(Foreign::Garbled)),
                "{wrong}"
            );
        }
        let long = token(&"x".repeat(LONGEST));
        let error = Jws::parse(&long).err();
        assert_eq!(error, Some(TokenError::Foreign(Foreign::Long)));
    }

    proptest! {
        #[test]
        fn no_text_upsets_it(text in "\\PC*", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..5)) {
            let _parsed = Jws::parse(&text).is_ok();
            let _parsed = Jws::parse(&parts.join(".")).is_ok();
        }
    }
}
