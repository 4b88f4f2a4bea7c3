//! Why there is no WebSocket.

use std::io;

use jumpstarter_driver::{Code, Error};
use tokio_tungstenite::tungstenite::Error as ProtocolError;

use super::url::UrlError;
use crate::dial::{DialError, PATIENCE};

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebsocketError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("cannot set up TLS with `{peer}`: {source}")]
    Tls { peer: String, source: io::Error },
    #[error(
        "cannot verify any server: no certificate authorities are installed here; install the package ca-certificates or set SSL_CERT_FILE"
    )]
    NoRoots,
    #[error("`{peer}` answers the WebSocket request with {status}")]
    Refused { peer: String, status: String },
    #[error("`{peer}` does not speak WebSocket: {source}")]
    Protocol {
        peer: String,
        source: Box<ProtocolError>,
    },
    #[error("`{peer}` does not answer the WebSocket request within {} s", PATIENCE.as_secs())]
    Silence { peer: String },
}

// === impl WebsocketError ===

impl WebsocketError {
    /// What the attempt to upgrade the connection came to.
    pub(super) fn upgrade(peer: &impl ToString, error: ProtocolError) -> Self {
        let peer = peer.to_string();
        match error {
            ProtocolError::Http(response) => Self::Refused {
                peer,
                status: response.status().to_string(),
            },
            other => Self::Protocol {
                peer,
                source: Box::new(other),
            },
        }
    }

    /// What the client gets.
    pub(super) fn told(self) -> Error {
        let code = match self {
            // The code follows from the kind.
            Self::Dial(error) => return io::Error::from(error).into(),
            Self::Url(_) => Code::InvalidArgument,
            Self::Tls { .. } | Self::Refused { .. } | Self::Protocol { .. } => Code::Unavailable,
            Self::NoRoots => Code::FailedPrecondition,
            Self::Silence { .. } => Code::DeadlineExceeded,
        };
        Error::new(code, self)
    }
}
