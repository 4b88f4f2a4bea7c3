//! Which certificates are trusted when keys are fetched from an identity provider.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// `issuer.certificateAuthority`. Files are read at every use, since they may change.
#[derive(Clone, Debug)]
pub(super) enum Roots {
    System,
    Pem(String),
    File(PathBuf),
}

// === impl Roots ===

impl Roots {
    pub(super) fn of(setting: Option<&str>) -> Self {
        match setting {
            None | Some("") => Self::System,
            Some(text) if text.contains("-----BEGIN") => Self::Pem(text.to_owned()),
            Some(path) => Self::File(Path::new(path).to_owned()),
        }
    }

    /// Checks that there are certificates to trust; those of the system may come later.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::System => Ok(()),
            Self::Pem(_) | Self::File(_) => self.load().map(drop),
        }
    }

    /// Reads the certificates.
    pub(super) fn load(&self) -> Result<RootCertStore, String> {
        match self {
            Self::System => {
                let mut store = RootCertStore::empty();
                // Single files of the system that cannot be read do not matter here.
                let found = rustls_native_certs::load_native_certs().certs;
                store.add_parsable_certificates(found);
                if store.is_empty() {
                    return Err("the system has none; install ca-certificates".to_owned());
                }
                Ok(store)
            }
            Self::Pem(pem) => store(pem.as_bytes()),
            Self::File(path) => {
                let pem = std::fs::read(path)
                    .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
                store(&pem).map_err(|why| format!("`{}`: {why}", path.display()))
            }
        }
    }
}

fn store(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "a certificate is damaged".to_owned())?;
        store.add(certificate).map_err(|error| error.to_string())?;
    }
    if store.is_empty() {
        return Err("there is no PEM certificate in it".to_owned());
    }
    Ok(store)
}
