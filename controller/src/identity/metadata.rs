//! The headers of a call that say who calls.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jumpstarter_client::Secret;

use super::AuthError;

/// The namespace of the object to act as.
pub(super) const NAMESPACE: &str = "jumpstarter-namespace";
/// `Client` or `Exporter`.
pub(super) const KIND: &str = "jumpstarter-kind";
/// The name of the object to act as.
pub(super) const NAME: &str = "jumpstarter-name";

/// The bearer token of the `authorization` header.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Secret<String>, AuthError> {
    if headers.is_empty() {
        return Err(AuthError::NoMetadata);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthError::NoToken)?;
    if values.next().is_some() {
        return Err(AuthError::ManyTokens);
    }
    let text = value.to_str().map_err(|_| AuthError::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::Malformed);
    }
    Ok(Secret::new(token.to_owned()))
}

/// The value of a header that must be there exactly once.
pub(super) fn once<'a>(headers: &'a HeaderMap, key: &'static str) -> Result<&'a str, AuthError> {
    let mut values = headers.get_all(key).iter();
    let value = values.next().ok_or(AuthError::Missing(key))?;
    if values.next().is_some() {
        return Err(AuthError::Multiple(key));
    }
    value.to_str().map_err(|_| AuthError::Missing(key))
}

/// The name of the object; `None` if the header is missing or there several times.
pub(super) fn name(headers: &HeaderMap) -> Option<&str> {
    once(headers, NAME).ok().filter(|name| !name.is_empty())
}
