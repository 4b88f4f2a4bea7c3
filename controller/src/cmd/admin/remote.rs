//! A controller on another machine.

use std::sync::Arc;

use jumpstarter_client::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::token;
use crate::cli::Target;
use crate::cmd::Failure;

/// Where the controller is, which certificates it may have, and the token.
pub(super) struct Remote {
    /// `host:port`.
    pub(super) host: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    pub(super) token: Secret<String>,
}

// === impl Remote ===

impl Remote {
    pub(super) fn new(server: &str, target: &Target) -> Result<Self, Failure> {
        let wrong = || {
            Failure::Usage(format!(
                "Invalid value for '--server': `{server}` should be `https://host:port`"
            ))
        };
        let host = server
            .strip_prefix("https://")
            .unwrap_or(server)
            .trim_end_matches('/');
        let (name, port) = host.rsplit_once(':').ok_or_else(wrong)?;
        port.parse::<u16>().map_err(|_| wrong())?;
        let bare = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare).map_err(|_| wrong())?;
        let Some(path) = &target.token_file else {
            return Err(Failure::Usage("'--server' needs '--token-file'".to_owned()));
        };
        let mut roots = RootCertStore::empty();
        match &target.ca_file {
            Some(path) => {
                let all = CertificateDer::pem_file_iter(path).map_err(Failure::error)?;
                for certificate in all {
                    let certificate = certificate.map_err(Failure::error)?;
                    roots.add(certificate).map_err(Failure::error)?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Failure::error)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            host: host.to_owned(),
            name,
            tls: Arc::new(config).into(),
            token: token(path)?,
        })
    }

    pub(super) async fn connect(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let lost = |error| Failure::Error(format!("cannot reach `{}`: {error}", self.host));
        let stream = TcpStream::connect(&self.host).await.map_err(lost)?;
        self.tls
            .connect(self.name.clone(), stream)
            .await
            .map_err(lost)
    }
}
