//! Who is calling: four headers on every call.

use thiserror::Error;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue};

use crate::Secret;

/// What the caller is to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody who leases exporters.
    Client,
    /// An exporter.
    Exporter,
}

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What the caller is.
    pub kind: Kind,
    /// The namespace it belongs to; may be empty.
    pub namespace: String,
    /// Its name there; may be empty for clients whose token says it.
    pub name: String,
    /// What proves it.
    pub token: Secret<String>,
}

/// Something about the caller that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the {0} must consist of printable ASCII characters")]
pub struct UnusableIdentity(&'static str);

/// The identity as it travels.
#[derive(Clone)]
pub(super) struct Headers(HeaderMap);

// === impl UnusableIdentity ===

impl UnusableIdentity {
    /// Which part of the identity: `token`, `namespace` or `name`.
    pub fn what(&self) -> &'static str {
        self.0
    }
}

// === impl Kind ===

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Exporter => "Exporter",
        }
    }
}

// === impl Identity ===

impl Identity {
    /// All four are always there: controllers refuse calls that lack one, but not an empty one.
    pub(super) fn headers(&self) -> Result<Headers, UnusableIdentity> {
        let plain = |what, text: &str| match text.parse() {
            // Headers could carry other bytes; what they mean nobody has agreed on.
            Ok(value) if text.is_ascii() => Ok(value),
            _ => Err(UnusableIdentity(what)),
        };
        let mut headers = HeaderMap::with_capacity(4);
        for (name, value) in [
            (
                "jumpstarter-kind",
                HeaderValue::from_static(self.kind.name()),
            ),
            (
                "jumpstarter-namespace",
                plain("namespace", &self.namespace)?,
            ),
            ("jumpstarter-name", plain("name", &self.name)?),
            ("authorization", bearer(&self.token)?),
        ] {
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Headers(headers))
    }
}

/// The header that carries a token, marked so that nothing prints it.
pub(crate) fn bearer(token: &Secret<String>) -> Result<HeaderValue, UnusableIdentity> {
    let text = format!("Bearer {}", token.expose().trim());
    if !text.is_ascii() {
        return Err(UnusableIdentity("token"));
    }
    let mut value = HeaderValue::try_from(text).map_err(|_| UnusableIdentity("token"))?;
    value.set_sensitive(true);
    Ok(value)
}

// === impl Headers ===

impl Headers {
    /// Adds them to those of a request.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Sensitive values print as such.
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn identity(name: &str, token: &str) -> Identity {
        Identity {
            kind: Kind::Exporter,
            namespace: String::new(),
            name: name.to_owned(),
            token: Secret::new(token.to_owned()),
        }
    }

    #[test]
    fn all_four_are_there_even_if_empty() {
        let headers = identity("", "t0ken\n").headers().unwrap().0;
        assert_eq!(headers["jumpstarter-kind"], "Exporter");
        assert_eq!(headers["jumpstarter-namespace"], "");
        assert_eq!(headers["jumpstarter-name"], "");
        assert_eq!(headers["authorization"], "Bearer t0ken");
    }

    #[test]
    fn only_plain_characters_travel() {
        for (name, token, what) in [("jürgen", "t", "name"), ("me", "tökén", "token")] {
            let error = identity(name, token).headers().unwrap_err();
            assert_eq!(error.what(), what);
        }
    }

    #[test]
    fn the_token_is_never_printed() {
        let identity = identity("lab-3", "hunter2");
        let printed = format!("{identity:?} {:?}", identity.headers().unwrap());
        assert!(printed.contains("lab-3"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
        let error = self::identity("lab-3", "hunter\u{1}")
            .headers()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the token must consist of printable ASCII characters"
        );
    }
}
