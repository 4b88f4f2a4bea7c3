//! What can be wrong with identity providers.

use std::time::Duration;

/// Mistakes in `authentication.jwt` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", mistakes.join("\n"))]
pub struct IssuersError {
    /// Each begins with the path of its field.
    pub mistakes: Vec<String>,
}

/// Why the keys of an issuer cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` is not an https:// URL")]
    Url(String),
    #[error("no trusted certificate authority: {0}")]
    Roots(String),
    #[error("cannot connect to `{host}`: {source}")]
    Connect {
        host: String,
        source: std::io::Error,
    },
    #[error("TLS with `{host}` failed: {source}; name its CA in `issuer.certificateAuthority`")]
    Tls {
        host: String,
        source: std::io::Error,
    },
    #[error("`{host}` did not answer within {limit:?}")]
    TimedOut { host: String, limit: Duration },
    #[error("the answer of `{host}` cannot be read: {why}")]
    Answer { host: String, why: String },
    #[error("`{host}` answered {status} to {path}")]
    Status {
        host: String,
        status: http::StatusCode,
        path: String,
    },
    #[error("too many redirects, the last one to `{0}`")]
    Redirects(String),
    #[error("{what} is not what it should be: {why}")]
    Content { what: &'static str, why: String },
    #[error(
        "the discovery document is that of issuer `{0}`; `issuer.url` must be the same, to the letter"
    )]
    Issuer(String),
    #[error("the key set has no key for signatures of a kind that is accepted")]
    NoKeys,
}
