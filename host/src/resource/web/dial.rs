//! From a URL to a stream of bytes: name, TCP, TLS.

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_client::connect::{self, DialError};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::error::Trouble;
use super::url::Url;

/// What HTTP runs over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens streams to web servers.
pub(super) struct Dialer {
    /// Trusted instead of those of the system.
    roots: Option<Arc<RootCertStore>>,
    limit: Duration,
    /// Made when the first server wants it.
    tls: OnceCell<TlsConnector>,
}

// === impl Dialer ===

impl Dialer {
    pub(super) fn new(roots: Option<Arc<RootCertStore>>, limit: Duration) -> Self {
        Self {
            roots,
            limit,
            tls: OnceCell::new(),
        }
    }

    pub(super) async fn dial(&self, url: &Url) -> Result<Box<dyn Io>, Trouble> {
        let dialled = timeout(self.limit, self.connect(url)).await;
        dialled.unwrap_or(Err(Trouble::TimedOut(self.limit)))
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Io>, Trouble> {
        let stream = tcp(&url.host, url.port()).await?;
        if !url.secure {
            return Ok(Box::new(stream));
        }
        let failed = |why: String| Trouble::Stream("TlsError", why);
        let tls = self.tls.get_or_try_init(|| self.prepare()).await;
        let tls = tls.map_err(failed)?;
        let name = ServerName::try_from(url.host.clone())
            .map_err(|_| failed("no certificate can carry the name of the host".to_owned()))?;
        let stream = tls.connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| failed(error.to_string()))?))
    }

    async fn prepare(&self) -> Result<TlsConnector, String> {
        let roots = match &self.roots {
            Some(roots) => Arc::clone(roots),
            None => Arc::new(
                spawn_blocking(system_roots)
                    .await
                    .unwrap_or_else(|_| RootCertStore::empty()),
            ),
        };
        if roots.is_empty() {
            return Err(
                "the system has no trusted certificates; install ca-certificates".to_owned(),
            );
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Reads files: not on a thread that other tasks need.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Single unreadable or unusable files of the system are not this user's problem.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, Trouble> {
    connect::dial(host, port)
        .await
        .map_err(|error| match error {
            DialError::Resolve { source, .. } => {
                Trouble::Stream("ResolveError", format!("`{host}`: {source}"))
            }
            DialError::Connect { address, source } => {
                Trouble::Stream("ConnectError", format!("{address}: {source}"))
            }
            error => Trouble::Stream("ConnectError", error.to_string()),
        })
}
