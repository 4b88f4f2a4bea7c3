//! Accepts connections and serves calls on them until told to stop.
//!
//! Every task started here, down to the one that hyper wants for each call, is tracked and ends with
//! the endpoints.

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
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection_limit::{ConnectionLimit, ConnectionSlot};
use super::preface_timeout::PrefaceTimeout;
use crate::config::Keepalive;
use crate::identity::{ConnectionState, Peer};

/// Concurrent calls on one connection; the peer holds back any more.
const MAX_CALLS: u32 = 1024;
/// Bytes a peer on this machine may send ahead of the reader, for one call: flash images come through
/// here.
const NEAR_WINDOW: u32 = 512 << 10;
/// The same for a peer elsewhere: enough for 40 MB/s at a distance of 50 ms.
const FAR_WINDOW: u32 = 2 << 20;
/// Bytes ahead of the readers for all calls of a connection: enough that unread calls do not block the
/// others, up to 255 from a peer on this machine and 63 from one elsewhere.
const CONNECTION_WINDOW: u32 = 128 << 20;
/// Bytes buffered for one call while its peer does not read.
const SEND_BUFFER: usize = 512 << 10;
/// The largest HTTP/2 frame a peer may send, in bytes; large frames cost less per byte.
const MAX_FRAME: u32 = 64 << 10;
/// For the TLS handshake, the HTTP/2 preface, and the headers of an HTTP/1 request.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection without a single authenticated call by then is shut down, to make room for others.
/// Exporters and clients authenticate with their first call, and may be silent for ever after it.
const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long calls that have begun may go on after [`AUTHENTICATION_TIMEOUT`].
const STRANGER_DRAIN: Duration = Duration::from_secs(60);

/// The response to one request.
pub(super) type Answer = hyper::Response<axum::body::Body>;

/// What answers the requests of an endpoint.
pub(super) trait Handler: Clone + Send + Sync + 'static {
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send + 'static;
}

/// All listening sockets and their connections. Dropping it ends them all.
#[derive(Debug)]
pub(super) struct Endpoints {
    keepalive: Keepalive,
    tasks: TaskTracker,
    /// Stops accepting; open connections may finish their calls.
    closing: CancellationToken,
    /// Ends every connection at once.
    cut: CancellationToken,
    /// Connections allowed from one address, at each endpoint.
    per_address: usize,
}

/// Connections at one endpoint at once; more wait in the kernel's accept queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capacity {
    /// All exporters and clients.
    Everyone = 16_384,
    /// People who log in.
    People = 1024,
    /// Metrics scrapers, probes, and this program's own commands.
    Tools = 128,
}

/// Spawns hyper's task for a call on the endpoints' tracker.
#[derive(Clone)]
struct Counted(TaskTracker);

/// One listening socket: what its accept loop and its connections need.
struct Endpoint<H> {
    http: auto::Builder<Counted>,
    handler: H,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    closing: CancellationToken,
    cut: CancellationToken,
    limit: ConnectionLimit,
}

/// The user id of the process at the other end of the unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUser(pub u32);

// === impl Endpoints ===

impl Endpoints {
    /// No endpoints yet; `per_address` bounds the connections from one address at each.
    pub(super) fn new(keepalive: Keepalive, per_address: usize) -> Self {
        Self {
            keepalive,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            per_address,
        }
    }

    /// Serves a TCP socket.
    pub(super) fn tcp(
        &self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        capacity: Capacity,
        handler: impl Handler,
    ) {
        self.tasks
            .spawn(self.endpoint(tls, capacity, handler).tcp(listener));
    }

    /// Serves a unix socket, whose callers count as authenticated.
    pub(super) fn unix(&self, listener: UnixListener, handler: impl Handler) {
        self.tasks
            .spawn(self.endpoint(None, Capacity::Tools, handler).unix(listener));
    }

    /// Stops accepting, gives calls that are about to be answered `grace`, and cuts the rest: streams
    /// would go on for ever.
    pub(super) async fn close(self, grace: Duration) {
        self.closing.cancel();
        self.tasks.close();
        if timeout(grace, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }

    fn endpoint<H: Handler>(
        &self,
        tls: Option<TlsAcceptor>,
        capacity: Capacity,
        handler: H,
    ) -> Arc<Endpoint<H>> {
        let mut http = auto::Builder::new(Counted(self.tasks.clone()));
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HANDSHAKE_TIMEOUT);
        http.http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(NEAR_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_frame_size(MAX_FRAME)
            .max_concurrent_streams(MAX_CALLS)
            .keep_alive_interval(self.keepalive.interval)
            .keep_alive_timeout(self.keepalive.timeout);
        Arc::new(Endpoint {
            http,
            handler,
            tls,
            tasks: self.tasks.clone(),
            closing: self.closing.clone(),
            cut: self.cut.clone(),
            limit: ConnectionLimit::new(capacity as usize, self.per_address),
        })
    }
}

impl Drop for Endpoints {
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

// === impl Endpoint ===

impl<H: Handler> Endpoint<H> {
    async fn tcp(self: Arc<Self>, listener: TcpListener) {
        let accept = || async {
            let (stream, address) = listener.accept().await?;
            Ok((stream, Peer::from(address)))
        };
        while let Some((stream, peer, slot)) = self.admit(&accept).await {
            let endpoint = Arc::clone(&self);
            self.tasks.spawn(async move {
                let serve = endpoint.accept_tls(stream, peer, slot);
                endpoint.cut.run_until_cancelled(serve).await
            });
        }
    }

    async fn unix(self: Arc<Self>, listener: UnixListener) {
        let accept = || async {
            let (stream, _) = listener.accept().await?;
            Ok((stream, Peer::default()))
        };
        while let Some((stream, peer, slot)) = self.admit(&accept).await {
            let endpoint = Arc::clone(&self);
            let user = user(&stream);
            self.tasks.spawn(async move {
                let serve = endpoint.serve(stream, peer, user, slot);
                endpoint.cut.run_until_cancelled(serve).await
            });
        }
    }

    /// The next connection that gets a slot; `None` once the endpoints are closing.
    async fn admit<T, F>(&self, accept: impl Fn() -> F) -> Option<(T, Peer, ConnectionSlot)>
    where
        F: Future<Output = io::Result<(T, Peer)>>,
    {
        let next = async {
            loop {
                let permit = self.limit.wait().await?;
                match accept().await {
                    // One too many of its address is hung up on.
                    Ok((stream, peer)) => match self.limit.claim(permit, peer) {
                        Some(slot) => return Some((stream, peer, slot)),
                        None => drop(stream),
                    },
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

    async fn accept_tls(&self, stream: TcpStream, peer: Peer, slot: ConnectionSlot) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot turn off delays");
        }
        let Some(tls) = &self.tls else {
            return self.serve(stream, peer, None, slot).await;
        };
        match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream, peer, None, slot).await,
            // Clients that trust on first use only fetch the certificate, and break off in odd ways.
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    /// Serves a connection to its end. When the endpoints close, it may finish its calls.
    async fn serve<T>(&self, stream: T, peer: Peer, user: Option<LocalUser>, _slot: ConnectionSlot)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let state = ConnectionState::default();
        if user.is_some() {
            state.mark_authenticated();
        }
        let service = Tagged {
            handler: self.handler.clone(),
            peer,
            user,
            state: state.clone(),
        };
        let stream = PrefaceTimeout::new(HANDSHAKE_TIMEOUT, stream);
        let mut http = self.http.clone();
        http.http2().initial_stream_window_size(window(peer));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let overstays = async {
            sleep(AUTHENTICATION_TIMEOUT).await;
            if state.is_authenticated() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = overstays => {
                connection.as_mut().graceful_shutdown();
                // A late authentication still saves the calls that have begun.
                match timeout(STRANGER_DRAIN, connection.as_mut()).await {
                    Ok(ended) => ended,
                    Err(_) if state.is_authenticated() => connection.await,
                    Err(_) => return tracing::debug!(%peer, "nobody knows who it is"),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection broke");
        }
    }
}

/// Bytes that this peer may send ahead of the reader, for one call.
fn window(peer: Peer) -> u32 {
    match peer.ip() {
        Some(ip) if !ip.is_loopback() => FAR_WINDOW,
        _ => NEAR_WINDOW,
    }
}

fn user(stream: &UnixStream) -> Option<LocalUser> {
    stream
        .peer_cred()
        .ok()
        .map(|credentials| LocalUser(credentials.uid()))
}

/// Tags the requests of one connection with where they come from.
struct Tagged<H> {
    handler: H,
    peer: Peer,
    user: Option<LocalUser>,
    state: ConnectionState,
}

// === impl Tagged ===

impl<H: Handler> Service<hyper::Request<Incoming>> for Tagged<H> {
    type Response = Answer;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.state.clone());
        if let Some(user) = self.user {
            request.extensions_mut().insert(user);
        }
        let answer = self.handler.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

#[cfg(test)]
mod tests;
