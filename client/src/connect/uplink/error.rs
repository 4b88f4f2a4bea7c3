//! Why there is no connection to a controller or router.

use thiserror::Error;

use super::reach::ReachError;
use crate::Host;
use crate::connect::ConnectError;

/// Why a controller or router cannot be reached, and what to look at next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UplinkError {
    /// There is no TCP connection.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// A path of a socket was given.
    #[error("`{host}` is no `host:port`; controllers and routers are reached by TCP")]
    NotTcp {
        /// What was given.
        host: Host,
    },
    /// Its certificate was not accepted.
    #[error(
        "the TLS certificate of `{host}` was not accepted: {why}; \
         put its CA into `tls.ca`, or set `tls.insecure` to accept any"
    )]
    Certificate {
        /// Who presented it.
        host: Host,
        /// What is wrong with it.
        why: String,
    },
    /// It does not speak TLS.
    #[error("`{host}` does not speak TLS, which controllers and routers always do; check the port")]
    NotTls {
        /// Who answered.
        host: Host,
    },
    /// It accepted the connection and said nothing.
    #[error("`{host}` accepted the connection but does not answer in TLS; check the port")]
    Silent {
        /// Who said nothing.
        host: Host,
    },
    /// The handshake failed for another reason.
    #[error("TLS with `{host}` failed: {why}; check the port")]
    Tls {
        /// Who it was tried with.
        host: Host,
        /// What went wrong.
        why: String,
    },
}

// === impl UplinkError ===

impl UplinkError {
    /// The same trouble, with advice for whoever configures a controller's address.
    pub(super) fn from_handshake(asked: &Host, error: ConnectError) -> Self {
        let host = asked.clone();
        match error {
            ConnectError::Certificate { why, .. } => Self::Certificate { host, why },
            ConnectError::NotTls { .. } => Self::NotTls { host },
            ConnectError::Tls { why, .. } | ConnectError::BrokeOff { why, .. } => {
                Self::Tls { host, why }
            }
            other => Self::Tls {
                host,
                why: other.to_string(),
            },
        }
    }
}
