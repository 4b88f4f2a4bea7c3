//! How connections are received.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use jumpstarter_proto::v1::controller_service_server::ControllerServiceServer;
use jumpstarter_proto::v1::router_service_server::RouterServiceServer;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, copy_bidirectional,
    duplex,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::double::State;
use super::service::{Controller, Router};

/// What happens to who connects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    #[default]
    Open,
    /// Nothing is ever said.
    Mute,
    /// Something that is no TLS is said.
    Plain,
    /// Nothing is said once there is TLS.
    MuteInside,
    /// Something that is no HTTP/2 is said once there is TLS.
    GarbageInside,
}

/// The number of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub usize);

struct Socket(DuplexStream, Number);

/// Serves whoever connects.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let (accepted, incoming) = mpsc::channel::<io::Result<Socket>>(8);
    let server = Server::builder()
        .add_service(ControllerServiceServer::new(Controller(Arc::clone(&state))))
        .add_service(RouterServiceServer::new(Router(Arc::clone(&state))))
        .serve_with_incoming(ReceiverStream::new(incoming));
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            let cut = state.cut.lock().unwrap().clone();
            let number = {
                let mut connections = state.connections.lock().unwrap();
                *connections += 1;
                Number(*connections)
            };
            let door = *state.door.lock().unwrap();
            let welcome = welcome(stream, door, acceptor.clone(), accepted.clone(), number);
            let state = Arc::clone(&state);
            state.open.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                cut.run_until_cancelled_owned(welcome).await;
                state.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    };
    tokio::select! {
        served = server => served.unwrap(),
        () = accept => {}
    }
}

async fn welcome(
    mut stream: TcpStream,
    door: Door,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<io::Result<Socket>>,
    number: Number,
) {
    match door {
        Door::Mute => return swallow(stream).await,
        Door::Plain => {
            stream.write_all(b"220 mail.lab ESMTP\r\n").await.ok();
            return swallow(stream).await;
        }
        Door::Open | Door::MuteInside | Door::GarbageInside => {}
    }
    // Clients that do not like our certificate are part of the tests.
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    match door {
        Door::MuteInside => swallow(stream).await,
        Door::GarbageInside => {
            stream.write_all(&[b'?'; 100]).await.ok();
            swallow(stream).await;
        }
        _ => {
            let (mut near, far) = duplex(64 * 1024);
            if accepted.send(Ok(Socket(far, number))).await.is_ok() {
                copy_bidirectional(&mut stream, &mut near).await.ok();
            }
        }
    }
}

async fn swallow(mut stream: impl AsyncRead + Unpin) {
    let mut nowhere = [0; 4096];
    while stream.read(&mut nowhere).await.is_ok_and(|count| count > 0) {}
}

// === impl Socket ===

impl Connected for Socket {
    type ConnectInfo = Number;

    fn connect_info(&self) -> Number {
        self.1
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
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
