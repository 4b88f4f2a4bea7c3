//! Why there is no certificate to show.

use std::path::PathBuf;

use crate::identity::files::FileError;

/// What is wrong with certificates and keys.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or folder of the authority.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of the two files of the authority is lost.
    #[error("`{}` is missing, although `{}` is there; restore it from a backup, or delete both and give all clients and exporters the new CA", lost.display(), there.display())]
    Half {
        /// The one that is not there.
        lost: PathBuf,
        /// The other.
        there: PathBuf,
    },
    /// A file of the authority holds something else.
    #[error("`{}` is damaged: {why}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The authority's certificate is over.
    #[error("the CA in `{}` has come to its end; move the folder away, restart, and give all clients and exporters the new CA", .0.display())]
    Over(PathBuf),
    /// No certificate can carry this name.
    #[error("`{0}` is not a host name or address that a certificate can carry")]
    Name(String),
    /// A certificate that was given cannot be read.
    #[error("cannot read the certificate `{}`: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A key that was given cannot be read.
    #[error("cannot read the key `{}`: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Both can be read but do not go together.
    #[error("certificate `{}` and key `{}` cannot be used: {why}", certificate.display(), key.display())]
    Pair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What is wrong with them.
        why: String,
    },
    /// A certificate could not be made.
    #[error("the cryptographic library failed: {0}")]
    Crypto(String),
}

// === impl TlsError ===

impl From<rcgen::Error> for TlsError {
    fn from(error: rcgen::Error) -> Self {
        Self::Crypto(error.to_string())
    }
}
