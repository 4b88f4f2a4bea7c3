//! Why somebody is not let in, in the words that programs know.
//!
//! No text names a part of a token. None but one contains `expired`: clients take that word for an
//! invitation to log in again.

use std::path::PathBuf;

use tonic::{Code, Status};

use super::files::FileError;
use crate::lab::LabError;
use crate::model::{Key, Time};
use crate::service::unknown;

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any that somebody issues, not a token, or of an issuer that nobody here knows.
    #[error("failed to authenticate token")]
    Foreign(Foreign),
    /// The keys of the issuer have not been fetched yet, or cannot be.
    #[error("oidc: authenticator not initialized")]
    NotReady,
    /// Signed in a way that is not accepted, or not at all.
    #[error("oidc: verify token: oidc: malformed jwt: unexpected signature algorithm")]
    Algorithm,
    /// Not signed by a key of the issuer.
    #[error("oidc: verify token: failed to verify signature: no key of the issuer matches")]
    Signature,
    /// For somebody else.
    #[error("oidc: verify token: oidc: expected audience {expected:?} got {got:?}")]
    Audience {
        /// Any of these would do.
        expected: Vec<String>,
        /// What the token has.
        got: Vec<String>,
    },
    /// Its time is over.
    #[error("oidc: verify token: oidc: token is expired (Token Expiry: {})", go_time(*.0))]
    Ended(Time),
    /// It would live for ever.
    #[error("oidc: verify token: oidc: token has no expiry")]
    Endless,
    /// Its time has not come.
    #[error("oidc: verify token: oidc: current time is before the nbf (not before) time: {}", go_time(*.0))]
    Early(Time),
    /// A claim that is needed is not there, or not of the right type.
    #[error("oidc: verify token: claim `{0}` is missing or malformed")]
    Claim(String),
    /// A claim does not have the value that the configuration demands.
    #[error("oidc: verify token: claim `{0}` does not have the required value")]
    Rule(String),
    /// The issuer says that the address is not known to be this user's.
    #[error("oidc: verify token: email not verified")]
    Unverified,
    /// An outsider whose name would look like one of ours.
    #[error("oidc: verify token: the username is reserved")]
    Reserved,
    /// Signed by us, but not in the database: perhaps its owner was deleted, or a backup restored.
    #[error("oidc: verify token: token is not known here; ask an administrator for a new one")]
    Unknown,
    /// Rotated or taken back.
    #[error("oidc: verify token: token has been revoked; ask an administrator for a new one")]
    Revoked,
}

/// Why a token was not even looked at; the difference is for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Longer than any that somebody issues.
    Long,
    /// Not a signed JSON web token.
    Garbled,
    /// Of an issuer that nobody here knows.
    Issuer,
}

/// Why a call is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// No header at all.
    #[error("missing metadata")]
    NoMetadata,
    /// No token.
    #[error("missing authorization header")]
    NoToken,
    /// Which one counts?
    #[error("multiple authorization headers")]
    ManyTokens,
    /// Not `Bearer`, or not text.
    #[error("malformed authorization header")]
    Malformed,
    /// The token is no good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A header that is needed.
    #[error("missing metadata: {0}")]
    Missing(&'static str),
    /// A header that may be there once.
    #[error("multiple metadata: {0}")]
    Multiple(&'static str),
    /// As whom?
    #[error("resource name required for pre-existing authentication")]
    NameRequired,
    /// An external user can only act as the object that his name leads to.
    #[error(
        "resource name mismatch: provided \"{provided}\" but expected \"{expected}\" (derived from OIDC username \"{username}\")"
    )]
    Name {
        /// What the header says.
        provided: String,
        /// What it should say.
        expected: String,
        /// Whose name that is made of.
        username: String,
    },
    /// The call is not for this kind of object.
    #[error("object kind mismatch")]
    Kind,
    /// There is no such object.
    #[error("{kind} {key}: {kind}s.jumpstarter.dev \"{}\" not found", key.name)]
    NotFound {
        /// `client` or `exporter`.
        kind: &'static str,
        /// Its name.
        key: Key,
    },
    /// It is somebody else's.
    #[error("permission denied for {kind} {key}")]
    Denied {
        /// `client` or `exporter`.
        kind: &'static str,
        /// Its name.
        key: Key,
    },
    /// Not an administrator's token.
    #[error("permission denied: this needs the token of an administrator")]
    NotAdmin,
    /// Not an exporter's token, where the token alone says who calls.
    #[error("token is not an exporter token")]
    NotExporter,
    /// The resource is in another namespace than the caller.
    #[error("namespace mismatch")]
    Namespace,
    /// A client could not be made for an external user.
    #[error("client {key}: {source}")]
    Provision {
        /// Its name.
        key: Key,
        /// Why not.
        source: LabError,
    },
}

/// Why there is no key to sign or verify with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds something else.
    #[error("`{}` is not a {what}: {why}; restore it from a backup, or delete it and issue new tokens", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The key signs, or is not there.
    #[error("there is no retired key `{0}`; `{0}` signs new tokens, or does not exist")]
    NotRetired(String),
    /// The key of another installation cannot be taken over.
    #[error("cannot import `{name}`: {why}")]
    Import {
        /// What it is to be called.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// No key could be made, or used.
    #[error("the cryptographic library failed: {0}")]
    Crypto(String),
    /// The key that controller and routers share is empty.
    #[error(
        "ROUTER_KEY is empty; give it at least 32 random characters, the same to the controller and all routers"
    )]
    EmptyRouterKey,
    /// The key that controller and routers share can be guessed.
    #[error(
        "ROUTER_KEY has only {0} characters and can be guessed; give it at least 32 random characters, the same to the controller and all routers"
    )]
    ShortRouterKey(usize),
}

// === impl TokenError ===

impl TokenError {
    /// More than the text says, for the log.
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
    /// The code that programs expect with it.
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
    /// More than the text says, for the log.
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

/// As programs in Go print times.
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
