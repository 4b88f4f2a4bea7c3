//! Why the controller cannot start or go on.

use std::path::PathBuf;

use crate::identity::KeysError;
use crate::identity::issuers::IssuersError;
use crate::store::StoreError;
use crate::tls::TlsError;

/// Why the controller cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder `{}`: {source}", path.display())]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Another controller works on the same data.
    #[error(
        "another controller works on `{}`; stop it, or give this one a folder of its own with `--data-dir`",
        .0.display()
    )]
    Taken(PathBuf),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The issuers of the configuration are wrong.
    #[error(transparent)]
    Issuers(#[from] IssuersError),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on `{address}` ({what}): {source}; `listen.{what}` in the configuration names another"
    )]
    Listen {
        /// The key of the address in `listen`.
        what: &'static str,
        address: String,
        source: std::io::Error,
    },
    /// The administrators' socket cannot be made.
    #[error("cannot listen on `{}`: {source}", path.display())]
    Socket {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The lab's task has ended while the controller served.
    #[error("changes cannot be carried out any more; the log says why, and a new start may help")]
    Over,
    /// gRPC reflection could not be built.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Signal handlers cannot be installed.
    #[error("cannot listen to signals: {0}")]
    Signal(std::io::Error),
    /// The sockets that systemd passed cannot be used.
    #[error("cannot take the sockets that systemd passed: {0}")]
    Inherited(std::io::Error),
}
