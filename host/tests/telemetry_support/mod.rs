//! A collector on a real port.

#![allow(clippy::unwrap_used, unreachable_pub)]

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jumpstarter_proto::v1::telemetry_service_server::{TelemetryService, TelemetryServiceServer};
use jumpstarter_proto::v1::{LogEntry, PushLogsRequest, PushLogsResponse, TelemetryEndpoint};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

const PATIENCE: Duration = Duration::from_secs(20);

/// Certificate and key of a collector, for `localhost`.
#[derive(Clone)]
pub struct Certificate {
    chain: CertificateDer<'static>,
    key: Vec<u8>,
    pub pem: String,
}

/// One `PushLogs`.
#[derive(Clone, Debug)]
pub struct Push {
    pub authorization: Option<String>,
    /// How long the exporter waits for the answer.
    pub timeout: Option<String>,
    pub entries: Vec<LogEntry>,
}

/// A collector. It goes away, with all its connections, when dropped.
pub struct Collector {
    pub port: u16,
    seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Seen {
    pushes: Mutex<Vec<Push>>,
    /// What the next pushes are answered with instead of being taken.
    refusals: Mutex<VecDeque<Status>>,
}

struct Service(Arc<Seen>);

// === impl Certificate ===

impl Certificate {
    pub fn new() -> Self {
        let pair = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        Self {
            chain: pair.cert.der().clone(),
            key: pair.signing_key.serialize_der(),
            pem: pair.cert.pem(),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.chain.clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

// === impl Collector ===

impl Collector {
    pub fn start(tls: Option<&Certificate>) -> Self {
        Self::start_at(0, tls, Arc::default())
    }

    fn start_at(port: u16, tls: Option<&Certificate>, seen: Arc<Seen>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let until = Instant::now() + PATIENCE;
        let listener = loop {
            match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(listener) => break listener,
                // The last of the former connections may just be closing.
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(listener).unwrap();
        let (accepted, incoming) = mpsc::channel(8);
        runtime.spawn(accept(listener, tls.map(Certificate::acceptor), accepted));
        let service = TelemetryServiceServer::new(Service(Arc::clone(&seen)));
        runtime.spawn(async move {
            Server::builder()
                .add_service(service)
                .serve_with_incoming(ReceiverStream::new(incoming))
                .await
        });
        Self {
            port,
            seen,
            runtime: Some(runtime),
        }
    }

    /// What the controller says about it.
    pub fn endpoint(&self) -> TelemetryEndpoint {
        TelemetryEndpoint {
            endpoint: format!("localhost:{}", self.port),
            ..TelemetryEndpoint::default()
        }
    }

    /// Refuses the next push.
    pub fn refuse(&self, status: Status) {
        self.seen.refusals.lock().unwrap().push_back(status);
    }

    /// Goes away and comes back on the same port.
    pub fn restart(mut self) -> Self {
        let (port, seen) = (self.port, Arc::clone(&self.seen));
        self.vanish();
        Self::start_at(port, None, seen)
    }

    pub fn pushes(&self) -> Vec<Push> {
        self.seen.pushes.lock().unwrap().clone()
    }

    /// All entries so far, in the order they came.
    pub fn entries(&self) -> Vec<LogEntry> {
        let pushes = self.pushes();
        pushes.into_iter().flat_map(|push| push.entries).collect()
    }

    pub fn messages(&self) -> Vec<String> {
        let entries = self.entries().into_iter();
        entries.map(|entry| entry.message).collect()
    }

    /// Waits until an entry with this message has come.
    pub async fn gets(&self, message: &str) {
        let got = async {
            while !self.messages().iter().any(|other| other == message) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let got = tokio::time::timeout(PATIENCE, got).await;
        got.unwrap_or_else(|_| panic!("`{message}` is not among {:?}", self.messages()));
    }

    fn vanish(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.vanish();
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    accepted: mpsc::Sender<io::Result<tokio::io::DuplexStream>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(carry(stream, acceptor.clone(), near));
        if accepted.send(Ok(far)).await.is_err() {
            return;
        }
    }
}

async fn carry(
    mut stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    mut near: tokio::io::DuplexStream,
) {
    // Peers that do not like our certificate, and those that just go, are part of the tests.
    match acceptor {
        Some(acceptor) => {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                tokio::io::copy_bidirectional(&mut stream, &mut near)
                    .await
                    .ok();
            }
        }
        None => {
            tokio::io::copy_bidirectional(&mut stream, &mut near)
                .await
                .ok();
        }
    }
}

// === impl Service ===

#[tonic::async_trait]
impl TelemetryService for Service {
    async fn push_logs(
        &self,
        request: Request<PushLogsRequest>,
    ) -> Result<Response<PushLogsResponse>, Status> {
        if let Some(status) = self.0.refusals.lock().unwrap().pop_front() {
            return Err(status);
        }
        let text = |name: &str| {
            let value = request.metadata().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (authorization, timeout) = (text("authorization"), text("grpc-timeout"));
        let entries = request.into_inner().entries;
        let accepted = entries.len() as u32;
        self.0.pushes.lock().unwrap().push(Push {
            authorization,
            timeout,
            entries,
        });
        Ok(Response::new(PushLogsResponse {
            accepted,
            dropped: 0,
        }))
    }
}
