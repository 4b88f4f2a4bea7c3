//! Where the exporter listens: TCP, TLS, a unix socket.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jumpstarter_proto::v1::exporter_service_server::ExporterServiceServer;
use jumpstarter_proto::v1::router_service_server::RouterServiceServer;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Router;

use super::{Calls, Fake, Running};

/// A running exporter; dropping it stops it.
pub struct Serving {
    pub address: String,
    running: Arc<Running>,
    task: JoinHandle<()>,
}

/// A certificate, its key, and the authority to trust.
pub struct Certificate {
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: KeyPair,
    pub authority: String,
}

// === impl Serving ===

impl Serving {
    /// What was called so far.
    pub fn calls(&self) -> Vec<String> {
        self.running.calls.lock().unwrap().clone()
    }

    /// What is stored at this driver or path.
    pub fn stored(&self, place: &str) -> Option<Vec<u8>> {
        self.running.stored.lock().unwrap().get(place).cloned()
    }

    /// How many bytes the stream `flood` could send.
    pub fn flooded(&self) -> usize {
        self.running.flooded.load(Ordering::Relaxed)
    }

    /// Lets a driver that takes its time go on, once.
    pub fn release(&self) {
        self.running.released.notify_one();
    }

    /// Waits until it has noted this.
    pub async fn notes(&self, text: &str) {
        let noted = async {
            while !self.calls().iter().any(|call| call == text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let noted = tokio::time::timeout(Duration::from_secs(10), noted).await;
        noted.unwrap_or_else(|_| panic!("{text:?} is not among {:#?}", self.calls()));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Fake ===

impl Fake {
    fn run(self) -> (Router, Arc<Running>) {
        let running = Running {
            log: Mutex::new(self.log.clone().into()),
            log_failures: Mutex::new(self.log_failures.clone().into()),
            asked: Mutex::new(0),
            calls: Calls::default(),
            stored: Arc::new(Mutex::new(self.stored.iter().cloned().collect())),
            resources: Mutex::default(),
            offered: AtomicUsize::new(1),
            flooded: Arc::default(),
            released: Arc::default(),
            fake: self,
        };
        let running = Arc::new(running);
        let router = Server::builder()
            .initial_connection_window_size((1_u32 << 31) - 1)
            .add_service(ExporterServiceServer::from_arc(Arc::clone(&running)))
            .add_service(RouterServiceServer::new(super::router::Router(Arc::clone(
                &running,
            ))));
        (router, running)
    }

    pub async fn serve(self) -> Serving {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (router, running) = self.run();
        let task = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            router.serve_with_incoming(incoming).await.unwrap();
        });
        Serving {
            address,
            running,
            task,
        }
    }

    pub async fn serve_unix(self, path: &Path) -> Serving {
        let listener = UnixListener::bind(path).unwrap();
        let (router, running) = self.run();
        let task = tokio::spawn(async move {
            let incoming = UnixListenerStream::new(listener);
            router.serve_with_incoming(incoming).await.unwrap();
        });
        Serving {
            address: path.to_str().unwrap().to_owned(),
            running,
            task,
        }
    }

    pub async fn serve_tls(self, certificate: &Certificate) -> Serving {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let acceptor = certificate.acceptor();
        let (router, running) = self.run();
        let task = tokio::spawn(async move {
            let (accepted, incoming) = tokio::sync::mpsc::channel(8);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // Clients that do not like our certificate are part of the tests.
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let (mut near, far) = tokio::io::duplex(64 * 1024);
                        accepted.send(Ok::<_, std::io::Error>(far)).await.ok();
                        tokio::spawn(async move {
                            tokio::io::copy_bidirectional(&mut stream, &mut near)
                                .await
                                .ok();
                        });
                    }
                }
            });
            let incoming = ReceiverStream::new(incoming);
            router.serve_with_incoming(incoming).await.unwrap();
        });
        Serving {
            address: format!("localhost:{}", address.port()),
            running,
            task,
        }
    }
}

// === impl Certificate ===

impl Certificate {
    /// Issued by an authority of its own, for `name`.
    pub fn issued(name: &str) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of the same name as the certificate it would look like its own authority.
        let names = &mut authority.distinguished_name;
        names.push(DnType::CommonName, "an authority");
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::from_params(&authority, &authority_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        Self {
            chain: vec![leaf.der().clone()],
            key,
            authority: authority_certificate.pem(),
        }
    }

    /// As `openssl req -x509` makes them: it is its own authority.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key,
            authority: certificate.pem(),
        }
    }

    /// The same, but its time is over.
    pub fn expired(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key,
            authority: certificate.pem(),
        }
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config()))
    }

    pub fn config(&self) -> ServerConfig {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}
