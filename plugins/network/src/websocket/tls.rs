//! `wss`: who is trusted, and the handshake.

use std::io;
use std::sync::Arc;

use jumpstarter_driver::Result;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::WebsocketError;
use crate::peer::Peer;

/// Encryption, set up by the first connection that needs it.
#[derive(Default)]
pub(super) struct Tls(OnceCell<TlsConnector>);

// === impl Tls ===

impl Tls {
    /// Encrypts a connection; the peer must be who it says it is.
    pub(super) async fn wrap(
        &self,
        peer: &Peer,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, WebsocketError> {
        let failed = |source| WebsocketError::Tls {
            peer: peer.to_string(),
            source,
        };
        let name = ServerName::try_from(peer.host.clone())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connector = self.0.get_or_try_init(connector).await?;
        connector.connect(name, stream).await.map_err(failed)
    }
}

/// Reads the machine's certificate authorities, which are files.
async fn connector() -> Result<TlsConnector, WebsocketError> {
    let reading = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
    let found = reading.await.map_err(|_| WebsocketError::NoRoots)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match roots.is_empty() {
        true => Err(WebsocketError::NoRoots),
        false => Ok(trusting(roots)),
    }
}

fn trusting(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(aws_lc_rs::default_provider());
    // The provider has suites for both versions, which is all that can be missing here.
    #[allow(clippy::expect_used)]
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server named `localhost` that says hello once, and whom to trust to believe it.
    async fn server() -> (Peer, RootCertStore) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
            if let Ok(mut stream) = accepted {
                stream.write_all(b"hello").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let host = "localhost".to_owned();
        (Peer { host, port }, roots)
    }

    async fn heard(peer: &Peer, roots: RootCertStore) -> Result<String, WebsocketError> {
        let tls = Tls(OnceCell::new_with(Some(trusting(roots))));
        let plain = TcpStream::connect(("127.0.0.1", peer.port)).await.unwrap();
        let mut stream = tls.wrap(peer, plain).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        Ok(text)
    }

    #[tokio::test]
    async fn whom_we_trust_is_heard() {
        let (peer, roots) = server().await;
        assert_eq!(heard(&peer, roots).await.unwrap(), "hello");
    }

    #[tokio::test]
    async fn strangers_are_not() {
        let (peer, _) = server().await;
        let (_, others) = server().await;
        let error = heard(&peer, others).await.unwrap_err().to_string();
        let text = format!("cannot set up TLS with `localhost:{}`: ", peer.port);
        assert!(error.starts_with(&text), "{error}");
    }

    #[tokio::test]
    async fn nor_is_somebody_else() {
        let (mut peer, roots) = server().await;
        peer.host = "lab".to_owned();
        assert!(heard(&peer, roots).await.is_err());
    }
}
