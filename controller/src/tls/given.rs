//! A certificate and key that are managed elsewhere.

use std::path::{Path, PathBuf};

use jumpstarter_client::Secret;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;
use super::serving::certified;

/// Two PEM files, which are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The certificate, followed by intermediate ones.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The content of the files.
#[derive(Clone)]
pub(super) struct Content {
    certificate: Vec<u8>,
    key: Secret<Vec<u8>>,
}

// === impl Given ===

impl Given {
    pub(super) fn read(&self) -> Result<Content, TlsError> {
        let certificate =
            std::fs::read(&self.certificate).map_err(|error| TlsError::Certificate {
                path: self.certificate.clone(),
                why: error.to_string(),
            })?;
        let key = std::fs::read(&self.key).map_err(|error| TlsError::Key {
            path: self.key.clone(),
            why: error.to_string(),
        })?;
        Ok(Content {
            certificate,
            key: Secret::new(key),
        })
    }

    pub(super) fn certified(&self, content: &Content) -> Result<CertifiedKey, TlsError> {
        let chain = chain(&content.certificate).map_err(|why| TlsError::Certificate {
            path: self.certificate.clone(),
            why,
        })?;
        let key = PrivateKeyDer::from_pem_slice(content.key.expose());
        let key = key.map_err(|error| TlsError::Key {
            path: self.key.clone(),
            why: plainly(
                &error,
                "no private key in it; it should contain `-----BEGIN PRIVATE KEY-----`",
            ),
        })?;
        certified(chain, key).map_err(|error| self.pair(&error))
    }

    fn pair(&self, error: &rustls::Error) -> TlsError {
        TlsError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            why: match error {
                rustls::Error::InconsistentKeys(_) => {
                    "the key belongs to another certificate".to_owned()
                }
                error => error.to_string(),
            },
        }
    }

    /// The file of the certificate.
    pub(super) fn path(&self) -> &Path {
        &self.certificate
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let nothing = "no certificate in it; it should contain `-----BEGIN CERTIFICATE-----`";
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| plainly(&error, nothing))?;
    if chain.is_empty() {
        return Err(nothing.to_owned());
    }
    Ok(chain)
}

fn plainly(error: &pem::Error, nothing: &str) -> String {
    match error {
        pem::Error::NoItemsFound => nothing.to_owned(),
        _ => "it is not a PEM file".to_owned(),
    }
}

// === impl Content ===

impl Content {
    pub(super) fn is(&self, other: &Self) -> bool {
        self.certificate == other.certificate && self.key.expose() == other.key.expose()
    }
}
