//! Which certificate authorities are trusted.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

use crate::env;

/// The certificate authorities that make a peer trustworthy.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// The file named by `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`, else the system's, for which
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` count.
    #[default]
    System,
    /// Only those in this PEM bundle.
    Pem(Vec<u8>),
    /// Only those in this PEM file.
    File(PathBuf),
}

/// Why there is nothing to verify a certificate against.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("cannot read the CA file `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("there is no PEM certificate in {origin}")]
    NoCertificate {
        /// Which file or setting.
        origin: String,
    },
    /// A certificate in it is damaged.
    #[error("a certificate in {origin} is damaged: {why}")]
    Damaged {
        /// Which file or setting.
        origin: String,
        /// What is wrong.
        why: String,
    },
    /// The system has no trusted certificates.
    #[error("the system has no trusted certificates; install ca-certificates or name a CA file")]
    NoneInstalled,
}

/// Trusted certificates, as they are and ready for verification.
pub(super) struct Trusted {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) store: RootCertStore,
}

// === impl Roots ===

impl Roots {
    pub(super) fn load(&self) -> Result<Trusted, RootsError> {
        match self {
            Self::System => match std::env::var_os(env::ROOTS_FILE) {
                Some(path) if !path.is_empty() => file(Path::new(&path)),
                _ => system(),
            },
            Self::Pem(pem) => parse(pem, "the configured CA"),
            Self::File(path) => file(path),
        }
    }
}

fn file(path: &Path) -> Result<Trusted, RootsError> {
    let pem = std::fs::read(path).map_err(|source| RootsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&pem, &format!("`{}`", path.display()))
}

fn parse(pem: &[u8], origin: &str) -> Result<Trusted, RootsError> {
    let damaged = |why: String| RootsError::Damaged {
        origin: origin.to_owned(),
        why,
    };
    let mut store = RootCertStore::empty();
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| damaged(error.to_string()))?;
        store
            .add(certificate.clone())
            .map_err(|error| damaged(error.to_string()))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(RootsError::NoCertificate {
            origin: origin.to_owned(),
        });
    }
    Ok(Trusted {
        certificates,
        store,
    })
}

fn system() -> Result<Trusted, RootsError> {
    // Single unreadable or unparsable files of the system are not this user's problem.
    let certificates = rustls_native_certs::load_native_certs().certs;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    if store.is_empty() {
        return Err(RootsError::NoneInstalled);
    }
    Ok(Trusted {
        certificates,
        store,
    })
}
