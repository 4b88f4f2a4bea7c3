//! The server's certificate and key.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InvalidMessage, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// Why a certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file cannot be read, or is not PEM.
    #[error("cannot read the certificate `{}`: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key file cannot be read, or is not PEM.
    #[error("cannot read the key `{}`: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Both can be read but do not go together.
    #[error(
        "cannot serve TLS with certificate `{}` and key `{}`: {why}",
        certificate.display(), key.display()
    )]
    Pair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What is wrong with them.
        why: String,
    },
}

/// Reads the PEM files of `--tls-cert` and `--tls-key`.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let chain = chain(certificate).map_err(|why| TlsError::Certificate {
        path: certificate.to_owned(),
        why,
    })?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key {
        path: key.to_owned(),
        why: plainly(
            error,
            "no private key in it; it should contain `-----BEGIN PRIVATE KEY-----`",
        ),
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| TlsError::Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            why: match error {
                rustls::Error::InconsistentKeys(_) => {
                    "the key belongs to another certificate".into()
                }
                error => error.to_string(),
            },
        })?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let nothing = "no certificate in it; it should contain `-----BEGIN CERTIFICATE-----`";
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| plainly(error, nothing))?;
    if chain.is_empty() {
        return Err(nothing.into());
    }
    Ok(chain)
}

/// What went wrong in a handshake, in words that lead to the cause.
pub(super) fn explain(error: &io::Error) -> String {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "the client does not speak TLS".into()
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the client refused the certificate or hung up ({alert:?})")
        }
        _ => error.to_string(),
    }
}

fn plainly(error: pem::Error, nothing: &str) -> String {
    match error {
        pem::Error::NoItemsFound => nothing.into(),
        pem::Error::Io(error) => error.to_string(),
        _ => "it is not a PEM file".into(),
    }
}
