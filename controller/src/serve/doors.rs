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
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::first_words::FirstWords;
use super::rooms::{Place, Room};
use crate::config::Keepalive;
use crate::identity::{Guest, Peer};

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
/// Who has not shown by then who he is makes room for others. Exporters and clients do it with their
/// first call, and may be silent for ever after it.
const STRANGE: Duration = Duration::from_secs(30);
/// Calls of such strangers may go on for so long.
const LAST_CALLS: Duration = Duration::from_secs(60);

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
    /// Connections of one address, at each door.
    each: usize,
}

/// How many come through one door at once; more wait in the kernel's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowd {
    /// All exporters and clients.
    All = 16_384,
    /// People, now and then.
    Some = 1024,
    /// Programs that look after this one.
    Few = 128,
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
    room: Room,
}

/// Who is behind a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUser(pub u32);

// === impl Doors ===

impl Doors {
    /// No doors yet.
    pub(super) fn new(keepalive: Keepalive, each: usize) -> Self {
        Self {
            keepalive,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            each,
        }
    }

    /// Opens a TCP port.
    pub(super) fn tcp(
        &self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        crowd: Crowd,
        calls: impl Calls,
    ) {
        self.tasks.spawn(self.door(tls, crowd, calls).tcp(listener));
    }

    /// Opens a unix socket.
    pub(super) fn unix(&self, listener: UnixListener, calls: impl Calls) {
        self.tasks
            .spawn(self.door(None, Crowd::Few, calls).unix(listener));
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

    fn door<C: Calls>(&self, tls: Option<TlsAcceptor>, crowd: Crowd, calls: C) -> Arc<Door<C>> {
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
            room: Room::new(crowd as usize, self.each),
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
        let accept = || async {
            let (stream, address) = listener.accept().await?;
            Ok((stream, Peer::from(address)))
        };
        while let Some((stream, peer, place)) = self.admit(&accept).await {
            let door = Arc::clone(&self);
            self.tasks.spawn(async move {
                let greet = door.greet(stream, peer, place);
                door.cut.run_until_cancelled(greet).await
            });
        }
    }

    async fn unix(self: Arc<Self>, listener: UnixListener) {
        let accept = || async {
            let (stream, _) = listener.accept().await?;
            Ok((stream, Peer::default()))
        };
        while let Some((stream, peer, place)) = self.admit(&accept).await {
            let door = Arc::clone(&self);
            let user = user(&stream);
            self.tasks.spawn(async move {
                let converse = door.converse(stream, peer, user, place);
                door.cut.run_until_cancelled(converse).await
            });
        }
    }

    /// The next peer, or nobody once the doors are closing.
    async fn admit<T, F>(&self, accept: impl Fn() -> F) -> Option<(T, Peer, Place)>
    where
        F: Future<Output = io::Result<(T, Peer)>>,
    {
        let next = async {
            loop {
                let permit = self.room.place().await?;
                match accept().await {
                    // Who is one too many is hung up on.
                    Ok((stream, peer)) => match self.room.seat(permit, peer) {
                        Some(place) => return Some((stream, peer, place)),
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

    async fn greet(&self, stream: TcpStream, peer: Peer, place: Place) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot turn off delays");
        }
        let Some(tls) = &self.tls else {
            return self.converse(stream, peer, None, place).await;
        };
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, peer, None, place).await,
            // Clients that trust whatever they are shown look first, and say so in strange ways.
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    /// Serves a connection to its end. When the doors close it may finish its calls.
    async fn converse<T>(&self, stream: T, peer: Peer, user: Option<LocalUser>, _place: Place)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let guest = Guest::default();
        if user.is_some() {
            guest.welcome();
        }
        let service = Caller {
            calls: self.calls.clone(),
            peer,
            user,
            guest: guest.clone(),
        };
        let stream = FirstWords::within(HANDSHAKE, stream);
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let stays = async {
            sleep(STRANGE).await;
            if guest.is_known() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = stays => {
                connection.as_mut().graceful_shutdown();
                // One that shows late who it is need not be cut off from what it has begun.
                match timeout(LAST_CALLS, connection.as_mut()).await {
                    Ok(ended) => ended,
                    Err(_) if guest.is_known() => connection.await,
                    Err(_) => return tracing::debug!(%peer, "nobody knows who it is"),
                }
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
    guest: Guest,
}

// === impl Caller ===

impl<C: Calls> Service<hyper::Request<Incoming>> for Caller<C> {
    type Response = Answer;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.guest.clone());
        if let Some(user) = self.user {
            request.extensions_mut().insert(user);
        }
        let answer = self.calls.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

#[cfg(test)]
mod tests;
