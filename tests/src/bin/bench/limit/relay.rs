//! A bare relay: what tonic does with two streams that are to be joined, over TLS, with its default
//! settings. It joins by the text of the token and knows nothing of leases.

use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use jumpstarter_proto::v1::{
    StreamRequest, StreamResponse,
    router_service_server::{RouterService, RouterServiceServer},
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::Connected},
};

use super::router::back;

type Frames = Streaming<StreamRequest>;

/// One side, before the other has come.
struct Waiting {
    frames: Frames,
    partner: oneshot::Sender<Frames>,
}

/// tonic itself knows no connections of other people's TLS.
struct Connection(TlsStream<TcpStream>);

#[derive(Default)]
struct Relay(Mutex<HashMap<String, Waiting>>);

/// Serves until it is killed.
pub(crate) async fn serve(port: u16, cert: &str, key: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let (accepted, incoming) = mpsc::channel(16);
    tokio::spawn(accept(listener, acceptor(cert, key), accepted));
    Server::builder()
        .add_service(RouterServiceServer::new(Relay::default()))
        .serve_with_incoming(ReceiverStream::new(incoming))
        .await
        .unwrap();
}

fn acceptor(cert: &str, key: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(cert).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<io::Result<Connection>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            // Whoever only looks whether the port is open goes away again.
            if let Ok(stream) = acceptor.accept(stream).await {
                accepted.send(Ok(Connection(stream))).await.ok();
            }
        });
    }
}

#[tonic::async_trait]
impl RouterService for Relay {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: Request<Frames>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let token = request.metadata().get("authorization").unwrap();
        let token = token.to_str().unwrap().to_owned();
        let frames = request.into_inner();
        let arrives = {
            // Held until it is there, because the other side may come at the same moment.
            let mut waiting = self.0.lock().unwrap();
            if let Some(first) = waiting.remove(&token) {
                first.partner.send(frames).ok();
                let frames = first.frames.map(|frame| frame.map(back));
                return Ok(Response::new(Box::pin(frames)));
            }
            let (partner, arrives) = oneshot::channel();
            waiting.insert(token, Waiting { frames, partner });
            arrives
        };
        let frames = arrives.await.unwrap();
        Ok(Response::new(Box::pin(frames.map(|frame| frame.map(back)))))
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

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
