//! Opening the TCP port.

use std::io;

use tokio::net::TcpListener;

use super::Address;

/// Why the exporter cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "cannot listen on `{address}`: another program has this port; \
         find it with `ss -ltnp 'sport = :{port}'`, or choose another port with --tls-grpc-listener",
        port = address.port
    )]
    InUse {
        /// Where.
        address: Address,
    },
    /// The port belongs to root.
    #[error(
        "cannot listen on `{address}`: this user may not; \
         choose a port above 1023 with --tls-grpc-listener"
    )]
    NotAllowed {
        /// Where.
        address: Address,
    },
    /// The address is that of another machine, or of none.
    #[error(
        "cannot listen on `{address}`: {source}; give an address of this machine, \
         or only the port to listen on all of them"
    )]
    Other {
        /// Where.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
}

/// Opens the port.
pub async fn bind(address: &Address) -> Result<TcpListener, BindError> {
    TcpListener::bind((address.host.as_str(), address.port))
        .await
        .map_err(|source| {
            let address = address.clone();
            match source.kind() {
                io::ErrorKind::AddrInUse => BindError::InUse { address },
                io::ErrorKind::PermissionDenied => BindError::NotAllowed { address },
                _ => BindError::Other { address, source },
            }
        })
}
