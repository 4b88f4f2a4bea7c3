//! Why there is no port to forward.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no port to forward.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The name means nothing here.
    #[error("cannot resolve `{host}`: {source}; use an address of this machine")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The port cannot be had.
    #[error("cannot listen on `{address}`: {source}; {}", next(source))]
    Listen {
        /// The address asked for.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no place for a socket.
    #[error("cannot make a folder for the socket: {0}; set TMPDIR or name a path")]
    Folder(#[source] io::Error),
    /// The socket cannot be made.
    #[error("cannot make the socket `{}`: {source}", path.display())]
    Socket {
        /// The path asked for.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something is there already.
    #[error("`{}` exists already; remove it or name another path", path.display())]
    Exists {
        /// The path asked for.
        path: PathBuf,
    },
}

/// What to try when a port cannot be had.
fn next(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => "use an address of this machine",
        io::ErrorKind::PermissionDenied => "use a port from 1024",
        _ => "0 takes any port that is free",
    }
}
