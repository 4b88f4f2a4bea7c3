//! Why a router does not open a stream.

use tonic::Status;

use crate::identity::peer::ROUTER;
use crate::identity::{Peer, TokenError};

/// Why a router token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouterTokenError {
    /// There is none, or several.
    #[error("missing or invalid authorization: {0}")]
    Header(String),
    /// It is not good, and peers need not know why.
    #[error("invalid jwt token")]
    Token(#[from] TokenError),
    /// It is for something else.
    #[error("invalid jwt token")]
    Claim(&'static str),
    /// This side of the stream was opened before.
    #[error("invalid jwt token")]
    Spent,
}

// === impl RouterTokenError ===

impl RouterTokenError {
    /// Logs it, and answers the status for the peer.
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
