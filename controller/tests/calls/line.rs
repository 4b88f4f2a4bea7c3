//! A connection to the controller that says exactly what it is told to, be it good or bad.
//!
//! Generated clients cannot send what must be refused: headers that are missing or twice, messages that
//! are cut, windows that nobody opens.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Code, Status};

use crate::lab::Lab;
use crate::methods::Call;

/// For whatever is answered at once; only a hanging test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTP/2 connection; cheap to clone.
#[derive(Clone)]
pub(crate) struct Line {
    sender: http2::SendRequest<Full<Bytes>>,
    connection: Arc<AbortOnDropHandle<()>>,
}

/// What was heard, or why nothing was.
pub(crate) type Heard = Result<Bytes, Status>;

impl Lab {
    /// A TLS connection that has not said anything yet.
    pub(crate) async fn tls(&self, port: u16, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.path("data/ca/ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("127.0.0.1").unwrap();
        connector.connect(name, stream).await.unwrap()
    }

    pub(crate) async fn line(&self) -> Line {
        self.line_to(self.ports.grpc, 1 << 20).await
    }

    /// One that takes no more than so many bytes of each answer before somebody reads it.
    pub(crate) async fn line_to(&self, port: u16, window: u32) -> Line {
        Line::over(self.tls(port, b"h2").await, window).await
    }

    /// One without TLS, as exporters use it for their log if they are told to trust anybody.
    pub(crate) async fn plain_line(&self, port: u16) -> Line {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Line::over(stream, 1 << 20).await
    }
}

// === impl Line ===

impl Line {
    async fn over<T>(stream: T, window: u32) -> Self
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .max_header_list_size(4 << 20)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(async move { drop(connection.await) });
        Self {
            sender,
            connection: Arc::new(AbortOnDropHandle::new(connection)),
        }
    }

    /// Makes a call, and waits for its end.
    pub(crate) async fn ask(&self, headers: &HeaderMap, call: &Call) -> Heard {
        self.say(headers, call.path, frame(&call.message)).await
    }

    /// The answer to a call that is answered well.
    pub(crate) async fn get<M: Message + Default>(&self, headers: &HeaderMap, call: &Call) -> M {
        let heard = self.ask(headers, call).await;
        let heard = heard.unwrap_or_else(|status| panic!("{}: {status}", call.path));
        M::decode(heard.slice(5..)).unwrap()
    }

    /// The refusal of a call that is refused.
    pub(crate) async fn refusal(&self, headers: &HeaderMap, call: &Call) -> (Code, String) {
        match self.ask(headers, call).await {
            Ok(_) => panic!("{} is answered", call.path),
            Err(status) => (status.code(), status.message().to_owned()),
        }
    }

    /// Any body at all.
    pub(crate) async fn say(&self, headers: &HeaderMap, path: &str, body: Bytes) -> Heard {
        let answer = timeout(PATIENCE, self.open(headers, path, body)).await;
        let answer = answer.expect("an answer in time")?;
        let (head, body) = answer.into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            return Err(status);
        }
        if head.status != http::StatusCode::OK {
            return Err(Status::internal(format!("HTTP {}", head.status)));
        }
        let body = timeout(PATIENCE, body.collect())
            .await
            .expect("an end in time");
        let body = body.map_err(|error| Status::cancelled(error.to_string()))?;
        let status = body.trailers().and_then(Status::from_header_map);
        match status.expect("a status at the end") {
            status if status.code() == Code::Ok => Ok(body.to_bytes()),
            status => Err(status),
        }
    }

    /// Begins a call. What is answered is not read.
    pub(crate) async fn open(
        &self,
        headers: &HeaderMap,
        path: &str,
        body: Bytes,
    ) -> Result<http::Response<hyper::body::Incoming>, Status> {
        let mut request = Request::post(format!("https://lab/{path}"))
            .body(Full::new(body))
            .unwrap();
        *request.headers_mut() = headers.clone();
        let mut sender = self.sender.clone();
        let cut = |error: hyper::Error| Status::cancelled(format!("{error:?}"));
        sender.ready().await.map_err(cut)?;
        sender.send_request(request).await.map_err(cut)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.connection.is_finished()
    }
}

/// A message as gRPC frames it.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}
