//! What is wrong with certificates and keys.

use std::path::PathBuf;

use crate::identity::files::FileError;

/// What is wrong with certificates and keys.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or folder of the authority cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Only one of the two files of the authority is there.
    #[error("`{}` is missing, although `{}` is there; restore it from a backup, or delete both and give all clients and exporters the new CA", lost.display(), there.display())]
    Half {
        /// The file that is missing.
        lost: PathBuf,
        /// The file that is there.
        there: PathBuf,
    },
    /// A file of the authority cannot be parsed.
    #[error("`{}` is damaged: {why}; restore it from a backup", path.display())]
    Damaged { path: PathBuf, why: String },
    /// The authority has expired.
    #[error("the CA in `{}` has come to its end; move the folder away, restart, and give all clients and exporters the new CA", .0.display())]
    Over(PathBuf),
    /// This name cannot be in a certificate.
    #[error("`{0}` is not a host name or address that a certificate can carry")]
    Name(String),
    /// A given certificate cannot be read.
    #[error("cannot read the certificate `{}`: {why}", path.display())]
    Certificate { path: PathBuf, why: String },
    /// A given key cannot be read.
    #[error("cannot read the key `{}`: {why}", path.display())]
    Key { path: PathBuf, why: String },
    /// A given certificate and key do not belong together.
    #[error("certificate `{}` and key `{}` cannot be used: {why}", certificate.display(), key.display())]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
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
