//! The client side of TLS.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verify::{LabVerifier, NoVerifier, is_ca};
use super::{ConnectError, Roots};
use crate::Host;

/// Encryption of a TCP connection.
#[derive(Debug, Clone)]
pub enum Tls {
    /// Plaintext.
    Off,
    /// Encrypted, and the peer's certificate leads to one of these authorities.
    Verified(Roots),
    /// Encrypted, whoever the peer is.
    Unverified,
}

/// A prepared TLS client.
#[derive(Clone)]
pub(super) struct Client(TlsConnector);

// === impl Tls ===

impl Default for Tls {
    fn default() -> Self {
        Self::Verified(Roots::System)
    }
}

impl Tls {
    /// Whether anything is encrypted.
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Loads what it needs to speak HTTP/2; none for plaintext.
    pub(super) fn client(&self) -> Result<Option<Client>, ConnectError> {
        self.speaking(b"h2")
    }

    /// The same for another protocol, by its registered name.
    pub(super) fn speaking(&self, protocol: &[u8]) -> Result<Option<Client>, ConnectError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn rustls::client::danger::ServerCertVerifier> = match self {
            Self::Off => return Ok(None),
            Self::Verified(roots) => {
                let trusted = roots.load()?;
                let chains = WebPkiServerVerifier::builder_with_provider(
                    Arc::new(trusted.store),
                    Arc::clone(&provider),
                )
                .build()
                .map_err(|_| super::RootsError::NoneInstalled)?;
                Arc::new(LabVerifier::new(chains, trusted.certificates))
            }
            Self::Unverified => Arc::new(NoVerifier::new(&provider)),
        };
        Ok(Some(Client::new(provider, verifier, protocol)))
    }
}

// === impl Client ===

impl Client {
    fn new(
        provider: Arc<CryptoProvider>,
        verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>,
        protocol: &[u8],
    ) -> Self {
        let builder = ClientConfig::builder_with_provider(provider);
        // The provider has suites for both versions, which is all that can be missing here.
        #[allow(clippy::expect_used)]
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("aws-lc-rs supports TLS 1.2 and 1.3");
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Self(TlsConnector::from(Arc::new(config)))
    }

    pub(super) async fn handshake(
        &self,
        host: &Host,
        name: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| ConnectError::Tls {
            host: host.clone(),
            why: format!("`{name}` is not a host name that a certificate can carry"),
        })?;
        self.0
            .connect(server, stream)
            .await
            .map_err(|error| explain(host, &error))
    }
}

fn explain(host: &Host, error: &io::Error) -> ConnectError {
    let host = host.clone();
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => ConnectError::Certificate {
            why: certificate(&host, why),
            host,
        },
        // The first bytes were no TLS record at all.
        Some(rustls::Error::InvalidMessage(_)) => ConnectError::NotTls { host },
        Some(other) => ConnectError::Tls {
            why: other.to_string(),
            host,
        },
        None => ConnectError::BrokeOff {
            why: error.to_string(),
            host,
        },
    }
}

fn certificate(host: &Host, why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer => "it was issued by nobody we trust".to_owned(),
        // Labs make their CA anew, and forget to hand it out.
        CertificateError::BadSignature => {
            "it was signed by another CA than the trusted one of that name".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let name = match host {
                Host::Tcp { name, .. } => name.as_str(),
                Host::Unix(_) => "localhost",
            };
            format!("none of its subject alternative names is `{name}`")
        }
        // As one `openssl req -x509` makes it.
        why if is_ca(why) => "it is its own CA, and nobody has said to trust it".to_owned(),
        other => other.to_string(),
    }
}
