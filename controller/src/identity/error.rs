//! Why a caller is refused, in the words that programs rely on.
//!
//! No text quotes a part of a token. Only one contains `expired`: clients take that word as an order to
//! log in again.

use std::path::PathBuf;

use tonic::{Code, Status};

use super::files::FileError;
use crate::lab::LabError;
use crate::model::{Key, Time};
use crate::service::unknown;

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too long, not a token, or of an unknown issuer.
    #[error("failed to authenticate token")]
    Foreign(Foreign),
    /// The keys of the issuer have not been fetched yet, or cannot be.
    #[error("oidc: authenticator not initialized")]
    NotReady,
    /// Signed with an algorithm that is not accepted, or not at all.
    #[error("oidc: verify token: oidc: malformed jwt: unexpected signature algorithm")]
    Algorithm,
    /// Not signed by a key of the issuer.
    #[error("oidc: verify token: failed to verify signature: no key of the issuer matches")]
    Signature,
    /// None of the token's audiences is accepted.
    #[error("oidc: verify token: oidc: expected audience {expected:?} got {got:?}")]
    Audience {
        /// The audiences that are accepted.
        expected: Vec<String>,
        /// The audiences of the token.
        got: Vec<String>,
    },
    /// It has expired.
    #[error("oidc: verify token: oidc: token is expired (Token Expiry: {})", go_time(*.0))]
    Ended(Time),
    /// It has no `exp`.
    #[error("oidc: verify token: oidc: token has no expiry")]
    Endless,
    /// Its `nbf` is in the future.
    #[error("oidc: verify token: oidc: current time is before the nbf (not before) time: {}", go_time(*.0))]
    Early(Time),
    /// A required claim is missing, or not of the right type.
    #[error("oidc: verify token: claim `{0}` is missing or malformed")]
    Claim(String),
    /// A claim does not have the value that the configuration requires.
    #[error("oidc: verify token: claim `{0}` does not have the required value")]
    Rule(String),
    /// The issuer has not verified the user's email address.
    #[error("oidc: verify token: email not verified")]
    Unverified,
    /// A username of another issuer that looks like an internal one.
    #[error("oidc: verify token: the username is reserved")]
    Reserved,
    /// Signed by us, but not in the database: perhaps its owner was deleted, or a backup restored.
    #[error("oidc: verify token: token is not known here; ask an administrator for a new one")]
    Unknown,
    /// Replaced by a newer token, or revoked.
    #[error("oidc: verify token: token has been revoked; ask an administrator for a new one")]
    Revoked,
}

/// Why a token was not verified at all; the difference shows only in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Longer than any issuer's tokens are.
    Long,
    /// Not a signed JSON web token.
    Garbled,
    /// Of an unknown issuer.
    Issuer,
}

/// Why a call is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// The call has no headers at all.
    #[error("missing metadata")]
    NoMetadata,
    /// The call has no `authorization` header.
    #[error("missing authorization header")]
    NoToken,
    /// The call has several `authorization` headers.
    #[error("multiple authorization headers")]
    ManyTokens,
    /// The `authorization` header is not `Bearer`, or not text.
    #[error("malformed authorization header")]
    Malformed,
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A required header is missing.
    #[error("missing metadata: {0}")]
    Missing(&'static str),
    /// A header is there more than once.
    #[error("multiple metadata: {0}")]
    Multiple(&'static str),
    /// The header with the object's name is missing.
    #[error("resource name required for pre-existing authentication")]
    NameRequired,
    /// External users may act only as the object that their username leads to.
    #[error(
        "resource name mismatch: provided \"{provided}\" but expected \"{expected}\" (derived from OIDC username \"{username}\")"
    )]
    Name {
        /// The name in the header.
        provided: String,
        /// The name that follows from the username.
        expected: String,
        /// The user.
        username: String,
    },
    /// The `jumpstarter-kind` header does not fit the method.
    #[error("object kind mismatch")]
    Kind,
    /// There is no such object.
    #[error("{kind} {key}: {kind}s.jumpstarter.dev \"{}\" not found", key.name)]
    NotFound {
        /// `client` or `exporter`.
        kind: &'static str,
        /// The object.
        key: Key,
    },
    /// The caller may not act as this object.
    #[error("permission denied for {kind} {key}")]
    Denied {
        /// `client` or `exporter`.
        kind: &'static str,
        /// The object.
        key: Key,
    },
    /// The token is not an administrator's.
    #[error("permission denied: this needs the token of an administrator")]
    NotAdmin,
    /// The token is not an exporter's, where the token alone says who calls.
    #[error("token is not an exporter token")]
    NotExporter,
    /// The resource is in another namespace than the caller.
    #[error("namespace mismatch")]
    Namespace,
    /// A client could not be made for an external user.
    #[error("client {key}: {source}")]
    Provision {
        /// The client.
        key: Key,
        /// Why the lab refused.
        source: LabError,
    },
}

/// Why there is no key to sign or verify with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or folder of keys cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key file holds something that is no key.
    #[error("`{}` is not a {what}: {why}; restore it from a backup, or delete it and issue new tokens", path.display())]
    Damaged {
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with its content.
        why: String,
    },
    /// The key still signs, or does not exist.
    #[error("there is no retired key `{0}`; `{0}` signs new tokens, or does not exist")]
    NotRetired(String),
    /// The public key of another installation cannot be imported.
    #[error("cannot import `{name}`: {why}")]
    Import {
        /// The name it was to have here.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cryptography library failed.
    #[error("the cryptographic library failed: {0}")]
    Crypto(String),
    /// The key that controller and routers share is empty.
    #[error(
        "ROUTER_KEY is empty; give it at least 32 random characters, the same to the controller and all routers"
    )]
    EmptyRouterKey,
    /// The key that controller and routers share is short enough to be guessed.
    #[error(
        "ROUTER_KEY has only {0} characters and can be guessed; give it at least 32 random characters, the same to the controller and all routers"
    )]
    ShortRouterKey(usize),
}

// === impl TokenError ===

impl TokenError {
    /// Details for the log that the caller is not told.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign(Foreign::Long) => Some("it is too long"),
            Self::Foreign(Foreign::Garbled) => Some("it is not a JSON web token"),
            Self::Foreign(Foreign::Issuer) => Some("its issuer is not configured"),
            _ => None,
        }
    }
}

// === impl AuthError ===

impl AuthError {
    /// The gRPC code that goes with the text.
    pub fn code(&self) -> Code {
        match self {
            Self::NoToken => Code::Unauthenticated,
            Self::NoMetadata
            | Self::ManyTokens
            | Self::Malformed
            | Self::Missing(_)
            | Self::Multiple(_)
            | Self::NameRequired
            | Self::Name { .. }
            | Self::Kind => Code::InvalidArgument,
            Self::Denied { .. } | Self::NotAdmin | Self::NotExporter | Self::Namespace => {
                Code::PermissionDenied
            }
            Self::Provision {
                source: LabError::Store(_) | LabError::Stopping,
                ..
            } => Code::Unavailable,
            Self::Token(_) | Self::NotFound { .. } | Self::Provision { .. } => Code::Unknown,
        }
    }
}

impl AuthError {
    /// Details for the log that the caller is not told.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Token(error) => error.hint(),
            _ => None,
        }
    }
}

impl From<AuthError> for Status {
    fn from(error: AuthError) -> Self {
        let text = error.to_string();
        match &error {
            AuthError::Token(TokenError::NotReady) => unknown(Code::Unavailable, text),
            AuthError::Token(_) => unknown(Code::Unauthenticated, text),
            AuthError::NotFound { .. } => unknown(Code::PermissionDenied, text),
            _ => Self::new(error.code(), text),
        }
    }
}

/// The time in the format of Go's `Time.String`.
fn go_time(time: Time) -> String {
    let text = prost_types::Timestamp::from(time).to_string();
    let text = text.trim_end_matches('Z').replacen('T', " ", 1);
    format!("{text} +0000 UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_reads_as_clients_expect() {
        let told = TokenError::Ended(Time(1_787_306_400_000_000)).to_string();
        assert!(
            told.contains("token is expired (Token Expiry: 2026-08-21 "),
            "{told}"
        );
        assert!(told.ends_with(" +0000 UTC)"), "{told}");
    }
}
