//! A server that can vanish with all of its connections, and come back on the same port.

use std::{
    fmt, io,
    net::{Ipv4Addr, TcpStream as Probe},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::{Certs, PATIENCE, free_port};

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;
type Serve = Box<dyn Fn(Incoming) -> Serving + Send + Sync>;

/// Connections whose TLS handshake is done.
pub(super) type Incoming = ReceiverStream<io::Result<Connection>>;

/// One of them.
#[derive(Debug)]
pub(super) struct Connection(TlsStream<TcpStream>);

/// A port, and what is served on it while it is up.
pub(super) struct Server {
    port: u16,
    acceptor: TlsAcceptor,
    serve: Serve,
    running: Mutex<Option<Runtime>>,
}

// === impl Server ===

impl Server {
    pub(super) fn new(certs: &Certs, serve: Serve) -> Self {
        let chain = CertificateDer::pem_file_iter(&certs.cert).expect("certificates");
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_file(&certs.key).expect("a key");
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
                .expect("the certificate and its key");
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self {
            port: free_port(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            serve,
            running: Mutex::default(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Starts serving. Its tasks live in a runtime of their own and end with it.
    pub(super) fn up(&self) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let bind = async {
            let until = Instant::now() + PATIENCE;
            loop {
                match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await {
                    Ok(listener) => return listener,
                    // The last of the former connections is just closing.
                    Err(error) => assert!(Instant::now() < until, "{}: {error}", self.port),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let listener = runtime.block_on(bind);
        let (accepted, incoming) = mpsc::channel(16);
        runtime.spawn(accept(listener, self.acceptor.clone(), accepted));
        runtime.spawn((self.serve)(ReceiverStream::new(incoming)));
        *self.running.lock().expect("unpoisoned") = Some(runtime);
    }

    /// Vanishes. May be called from within.
    pub(super) fn vanish(&self) {
        let runtime = self.running.lock().expect("unpoisoned").take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }

    /// Vanishes, and returns when nothing answers on the port any more.
    pub(super) fn down(&self) {
        self.vanish();
        let until = Instant::now() + PATIENCE;
        while Probe::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            assert!(Instant::now() < until, "port {} still answers", self.port);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.vanish();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true).ok();
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        // Clients that only want to see the certificate come, look, and leave.
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                accepted.send(Ok(Connection(stream))).await.ok();
            }
        });
    }
}

// === impl Connection ===

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
