//! Why a router refuses to open a stream.

use tonic::Status;

use crate::identity::peer::ROUTER;
use crate::identity::{Peer, TokenError};

/// Why a router token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouterTokenError {
    /// The `authorization` header is missing, malformed, or there several times.
    #[error("missing or invalid authorization: {0}")]
    Header(String),
    /// The token is not valid; peers are not told why.
    #[error("invalid jwt token")]
    Token(#[from] TokenError),
    /// This claim has a value that no router token has.
    #[error("invalid jwt token")]
    Claim(&'static str),
    /// The stream was joined with such a token before.
    #[error("invalid jwt token")]
    Spent,
}

// === impl RouterTokenError ===

impl RouterTokenError {
    /// Logs the refusal, and returns the status for the peer.
    pub fn refuse(&self, peer: Peer) -> Status {
        let hint = match self {
            Self::Header(_) => None,
            Self::Token(error) => Some(error.to_string()),
            Self::Claim(name) => Some(format!("claim `{name}` is missing or wrong")),
            Self::Spent => Some("it has been used before".to_owned()),
        };
        tracing::info!(target: ROUTER, %peer, error = %self, hint, "router authentication failed");
        Status::unauthenticated(self.to_string())
    }
}
