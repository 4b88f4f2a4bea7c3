//! Why a controller does not start.

use std::path::PathBuf;

use crate::identity::KeysError;
use crate::identity::issuers::IssuersError;
use crate::store::StoreError;
use crate::tls::TlsError;

/// What is in the way.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder `{}`: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another controller works on the same data.
    #[error(
        "another controller works on `{}`; stop it, or give this one a folder of its own with `--data-dir`",
        .0.display()
    )]
    Taken(PathBuf),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Keys of tokens.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// External issuers.
    #[error(transparent)]
    Issuers(#[from] IssuersError),
    /// An address to listen on.
    #[error(
        "cannot listen on `{address}` ({what}): {source}; `listen.{what}` in the configuration names another"
    )]
    Listen {
        /// What would be there.
        what: &'static str,
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The socket of administrators.
    #[error("cannot listen on `{}`: {source}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was serving, and cannot go on.
    #[error("changes cannot be carried out any more; the log says why, and a new start may help")]
    Over,
    /// Reflection could not be built.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Signals cannot be heard.
    #[error("cannot listen to signals: {0}")]
    Signal(std::io::Error),
    /// What systemd passed.
    #[error("cannot take the sockets that systemd passed: {0}")]
    Inherited(std::io::Error),
}
