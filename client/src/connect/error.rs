//! Why there is no connection.

use std::io;

use thiserror::Error;

use super::{RootsError, UnusablePassphrase};
use crate::Host;

/// Why a host cannot be reached, and what to try next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// DNS does not know the name.
    #[error("could not resolve `{host}`: {source}; check the host name")]
    Resolve {
        /// The host asked for.
        host: Host,
        /// What the resolver said.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error("connection to `{host}` was refused; check the port and that the exporter is running")]
    Refused {
        /// The host asked for.
        host: Host,
    },
    /// Nobody answered.
    #[error("`{host}` did not answer; check the address and firewalls")]
    TimedOut {
        /// The host asked for.
        host: Host,
    },
    /// There is no such unix socket.
    #[error("there is no socket `{host}`; the shell or exporter it belonged to has ended")]
    NoSocket {
        /// The path asked for.
        host: Host,
    },
    /// The system refused, for another reason.
    #[error("connection to `{host}` failed: {source}")]
    System {
        /// The host asked for.
        host: Host,
        /// What it said.
        source: io::Error,
    },
    /// The certificates to trust could not be loaded.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The passphrase cannot be sent.
    #[error(transparent)]
    Passphrase(#[from] UnusablePassphrase),
    /// The peer's certificate was not accepted.
    #[error(
        "the TLS certificate of `{host}` was not accepted: {why}; \
         name its CA with --tls-ca FILE or GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
    )]
    Certificate {
        /// The host asked for.
        host: Host,
        /// What is wrong with it.
        why: String,
    },
    /// We spoke TLS, the peer did not.
    #[error(
        "`{host}` does not speak TLS; \
         use --tls-grpc-insecure if the exporter was started with that option"
    )]
    NotTls {
        /// The host asked for.
        host: Host,
    },
    /// We spoke plaintext, the peer answered with TLS.
    #[error(
        "`{host}` speaks TLS, this connection is plaintext; \
         leave out --tls-grpc-insecure and unset JMP_GRPC_INSECURE"
    )]
    SpeaksTls {
        /// The host asked for.
        host: Host,
    },
    /// We spoke plaintext, the peer hung up without a word.
    #[error(
        "`{host}` hung up on a plaintext connection, as an exporter that speaks TLS does; \
         leave out --tls-grpc-insecure and unset JMP_GRPC_INSECURE"
    )]
    HungUp {
        /// The host asked for.
        host: Host,
    },
    /// The TLS handshake failed for another reason.
    #[error("TLS with `{host}` failed: {why}")]
    Tls {
        /// The host asked for.
        host: Host,
        /// What went wrong.
        why: String,
    },
    /// The peer hung up in the middle of the TLS handshake.
    #[error(
        "TLS with `{host}` failed: {why}; \
         if the exporter was started with --tls-grpc-insecure, use that option here too"
    )]
    BrokeOff {
        /// The host asked for.
        host: Host,
        /// What the system said.
        why: String,
    },
    /// The connection was made, but no HTTP/2 came of it.
    #[error("`{host}` does not answer as an exporter does: {why}")]
    Http2 {
        /// The host asked for.
        host: Host,
        /// What went wrong.
        why: String,
    },
}

// === impl ConnectError ===

impl ConnectError {
    /// Sorts an error of `connect(2)` by what the user can do about it.
    pub(super) fn from_connect(host: &Host, source: io::Error) -> Self {
        let host = host.clone();
        match source.kind() {
            // A socket file whose owner died refuses as well.
            io::ErrorKind::ConnectionRefused => Self::Refused { host },
            io::ErrorKind::TimedOut => Self::TimedOut { host },
            io::ErrorKind::NotFound if !host.is_tcp() => Self::NoSocket { host },
            _ => Self::System { host, source },
        }
    }
}
