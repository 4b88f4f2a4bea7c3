//! Accepts connections and serves calls on them until told to stop.
//!
//! Every task started here, down to the one hyper wants for each call, is counted and ends with the
//! doors.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::first_words::FirstWords;
use crate::config::Keepalive;
use crate::identity::Peer;

/// More connections than this wait in the kernel's queue.
const CONNECTIONS: usize = 16_384;
/// More calls than this at once on one connection wait at the peer.
const CALLS: u32 = 1024;
/// What a peer may send ahead of the reader, for one call: flash images come through here.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all calls of a connection: so much that many which nobody reads do not keep the
/// others waiting.
const CONNECTION_WINDOW: u32 = 128 << 20;
/// What waits to be sent, for one call, while its peer does not read.
const SEND_BUFFER: usize = 512 << 10;
/// Peers that know how may send data in pieces of this size, which saves work for each of them.
const FRAME: u32 = 64 << 10;
/// A peer that says nothing in this time is not going to.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How a request is answered.
pub(super) type Answer = hyper::Response<axum::body::Body>;

/// Who answers behind a door.
pub(super) trait Calls: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send + 'static;
}

/// The open doors and everybody who came in. Dropping it ends them all.
#[derive(Debug)]
pub(super) struct Doors {
    keepalive: Keepalive,
    tasks: TaskTracker,
    /// Nobody comes in any more; who is in may finish.
    closing: CancellationToken,
    /// Everybody out.
    cut: CancellationToken,
    room: Arc<Semaphore>,
}

/// Starts hyper's task for a call where the doors can see it.
#[derive(Clone)]
struct Counted(TaskTracker);

/// What one accept loop needs.
struct Door<C> {
    http: auto::Builder<Counted>,
    calls: C,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    closing: CancellationToken,
    cut: CancellationToken,
    room: Arc<Semaphore>,
}

/// Who is behind a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUser(pub u32);

// === impl Doors ===

impl Doors {
    /// No doors yet.
    pub(super) fn new(keepalive: Keepalive) -> Self {
        Self {
            keepalive,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }

    /// Opens a TCP port.
    pub(super) fn tcp(&self, listener: TcpListener, tls: Option<TlsAcceptor>, calls: impl Calls) {
        self.tasks.spawn(self.door(tls, calls).tcp(listener));
    }

    /// Opens a unix socket.
    pub(super) fn unix(&self, listener: UnixListener, calls: impl Calls) {
        self.tasks.spawn(self.door(None, calls).unix(listener));
    }

    /// Closes the doors at once, gives calls that are about to be answered a moment, and ends the
    /// rest: streams would go on for ever.
    pub(super) async fn close(self, moment: Duration) {
        self.closing.cancel();
        self.tasks.close();
        if timeout(moment, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }

    fn door<C: Calls>(&self, tls: Option<TlsAcceptor>, calls: C) -> Arc<Door<C>> {
        let mut http = auto::Builder::new(Counted(self.tasks.clone()));
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE);
        http.http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_frame_size(FRAME)
            .max_concurrent_streams(CALLS)
            .keep_alive_interval(self.keepalive.interval)
            .keep_alive_timeout(self.keepalive.timeout);
        Arc::new(Door {
            http,
            calls,
            tls,
            tasks: self.tasks.clone(),
            closing: self.closing.clone(),
            cut: self.cut.clone(),
            room: Arc::clone(&self.room),
        })
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.closing.cancel();
        self.cut.cancel();
    }
}

// === impl Counted ===

impl<F> hyper::rt::Executor<F> for Counted
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, call: F) {
        // Ends with its connection.
        self.0.spawn(call);
    }
}

// === impl Door ===

impl<C: Calls> Door<C> {
    async fn tcp(self: Arc<Self>, listener: TcpListener) {
        while let Some((stream, address, permit)) = self.admit(|| listener.accept()).await {
            let door = Arc::clone(&self);
            let peer = Peer::from(address);
            self.tasks.spawn(async move {
                let greet = door.greet(stream, peer, permit);
                door.cut.run_until_cancelled(greet).await
            });
        }
    }

    async fn unix(self: Arc<Self>, listener: UnixListener) {
        while let Some((stream, _, permit)) = self.admit(|| listener.accept()).await {
            let door = Arc::clone(&self);
            let user = user(&stream);
            self.tasks.spawn(async move {
                let converse = door.converse(stream, Peer::default(), user, permit);
                door.cut.run_until_cancelled(converse).await
            });
        }
    }

    /// The next peer, or nobody once the doors are closing.
    async fn admit<T, P, F>(&self, accept: impl Fn() -> F) -> Option<(T, P, OwnedSemaphorePermit)>
    where
        F: Future<Output = io::Result<(T, P)>>,
    {
        let next = async {
            loop {
                let permit = Arc::clone(&self.room).acquire_owned().await.ok()?;
                match accept().await {
                    Ok((stream, peer)) => return Some((stream, peer, permit)),
                    Err(error) => {
                        // Mostly out of file descriptors; trying again at once would only spin.
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        self.closing.run_until_cancelled(next).await.flatten()
    }

    async fn greet(&self, stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot turn off delays");
        }
        let Some(tls) = &self.tls else {
            return self.converse(stream, peer, None, permit).await;
        };
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, peer, None, permit).await,
            // Clients that trust whatever they are shown look first, and say so in strange ways.
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    /// Serves a connection to its end. When the doors close it may finish its calls.
    async fn converse<T>(
        &self,
        stream: T,
        peer: Peer,
        user: Option<LocalUser>,
        _permit: OwnedSemaphorePermit,
    ) where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = Caller {
            calls: self.calls.clone(),
            peer,
            user,
        };
        let stream = FirstWords::within(HANDSHAKE, stream);
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = match self.closing.run_until_cancelled(connection.as_mut()).await {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection broke");
        }
    }
}

fn user(stream: &UnixStream) -> Option<LocalUser> {
    stream
        .peer_cred()
        .ok()
        .map(|credentials| LocalUser(credentials.uid()))
}

/// Tells whoever answers where requests come from.
struct Caller<C> {
    calls: C,
    peer: Peer,
    user: Option<LocalUser>,
}

// === impl Caller ===

impl<C: Calls> Service<hyper::Request<Incoming>> for Caller<C> {
    type Response = Answer;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        if let Some(user) = self.user {
            request.extensions_mut().insert(user);
        }
        let answer = self.calls.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}
