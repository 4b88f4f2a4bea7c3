//! Accepts connections and serves calls on them until told to stop.
//!
//! Every task started here, down to the one hyper wants for each call, is counted and ends with the
//! server.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;

use super::authority::PlainAuthority;
use super::linger::Linger;
use super::tls;

/// More clients than this wait in the kernel's queue.
const CONNECTIONS: usize = 512;
/// More calls than this at once on one connection wait at the client.
const CALLS: u32 = 1024;
/// What a client on this machine may send ahead of the reader, for one call.
const NEAR_WINDOW: u32 = 128 << 10;
/// The same for a client elsewhere, to whom it takes a while to say that there is room again: enough
/// for 40 MB/s at a distance of 50 ms.
const FAR_WINDOW: u32 = 2 << 20;
/// The same for all calls of a connection: so much that those which nobody reads, however many, never
/// keep the others waiting if the client is near, and 63 of them if it is far.
const CONNECTION_WINDOW: u32 = CALLS * NEAR_WINDOW;
/// What waits to be sent, for one call, while its client does not read.
const SEND_BUFFER: usize = 32 << 10;
/// Clients that know how may send data in pieces of this size, which saves work for each of them.
const FRAME: u32 = 32 << 10;
/// A client that says nothing in this time is not going to.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How soon a client that vanished without a word (cable, laptop lid) is noticed.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// Time for connections to deliver their last words after being cut off.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Who answers at a door: `service::Rpc`.
pub trait Calls: Send + Sync + 'static {
    /// Answers one client.
    type Connection: Service<
            hyper::Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Send
        + 'static;

    /// A client has connected.
    fn connection(&self) -> Self::Connection;
}

/// The open doors and everybody who came in. Dropping it ends them all.
#[derive(Debug)]
pub struct Server {
    tasks: TaskTracker,
    /// Nobody comes in any more; who is in may finish.
    closing: CancellationToken,
    /// Everybody out.
    cut: CancellationToken,
    room: Arc<Semaphore>,
}

/// Starts hyper's task for a call where the server can see it.
#[derive(Clone)]
struct Counted(TaskTracker);

/// What one accept loop needs.
struct Door<S> {
    http: http2::Builder<Counted>,
    calls: S,
    tls: Option<TlsAcceptor>,
    tasks: TaskTracker,
    closing: CancellationToken,
    cut: CancellationToken,
    room: Arc<Semaphore>,
}

// === impl Server ===

impl Server {
    /// A server without doors.
    pub fn new() -> Self {
        Self {
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }

    /// Lets clients in through a TCP port.
    pub fn serve_tcp(&self, listener: TcpListener, tls: Option<TlsAcceptor>, calls: impl Calls) {
        let door = self.door(tls, calls);
        self.tasks.spawn(door.tcp(listener));
    }

    /// Lets clients in through a unix socket.
    pub fn serve_unix(&self, listener: UnixListener, calls: impl Calls) {
        let door = self.door(None, calls);
        self.tasks.spawn(door.unix(listener));
    }

    /// Serves a client that came another way, such as a tunnel. It is hung up on if there are too
    /// many already, or none is let in any more.
    pub fn serve_stream<T>(&self, stream: T, calls: impl Calls)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!("there are {CONNECTIONS} connections; refusing one more");
            return;
        };
        if self.closing.is_cancelled() {
            return;
        }
        let door = self.door(None, calls);
        let stream = Linger::new(PlainAuthority::new(stream));
        self.tasks.spawn(async move {
            door.cut
                .run_until_cancelled(door.converse(stream, FAR_WINDOW, permit))
                .await
        });
    }

    /// Closes the doors at once and waits until everybody has left or the time is up; then
    /// `give_up` is called, which should end the running calls, and who is still there is cut off.
    pub async fn stop(self, grace: Duration, give_up: impl FnOnce()) {
        self.closing.cancel();
        self.tasks.close();
        if timeout(grace, self.tasks.wait()).await.is_err() {
            give_up();
            // Whether or not this was time enough, the next step is the same.
            timeout(LAST_WORDS, self.tasks.wait()).await.ok();
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }

    fn door<S: Calls>(&self, tls: Option<TlsAcceptor>, calls: S) -> Arc<Door<S>> {
        let mut http = http2::Builder::new(Counted(self.tasks.clone()));
        http.timer(TokioTimer::new())
            .auto_date_header(false)
            .initial_stream_window_size(NEAR_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_frame_size(FRAME)
            .max_concurrent_streams(CALLS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN);
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

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Server {
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

impl<S: Calls> Door<S> {
    async fn tcp(self: Arc<Self>, listener: TcpListener) {
        while let Some((stream, peer, permit)) = self.admit(|| listener.accept()).await {
            let door = Arc::clone(&self);
            self.tasks.spawn(async move {
                door.cut
                    .run_until_cancelled(door.greet(stream, peer, permit))
                    .await
            });
        }
    }

    async fn unix(self: Arc<Self>, listener: UnixListener) {
        while let Some((stream, _, permit)) = self.admit(|| listener.accept()).await {
            let door = Arc::clone(&self);
            let stream = PlainAuthority::new(stream);
            self.tasks.spawn(async move {
                door.cut
                    .run_until_cancelled(door.converse(stream, NEAR_WINDOW, permit))
                    .await
            });
        }
    }

    /// The next client, or nobody once the doors are closing.
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

    async fn greet(&self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot turn off delays");
        }
        let Some(tls) = &self.tls else {
            return self.converse(stream, window(peer.ip()), permit).await;
        };
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, window(peer.ip()), permit).await,
            // Somebody who only looks whether the port is open.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
            }
            Ok(Err(error)) => {
                tracing::warn!(%peer, error = tls::explain(&error), "TLS handshake failed");
            }
            Err(_) => tracing::warn!(%peer, "TLS handshake took too long"),
        }
    }

    /// Serves a connection to its end. When the doors close it may finish its calls.
    async fn converse<T>(&self, stream: T, window: u32, _permit: OwnedSemaphorePermit)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut http = self.http.clone();
        http.initial_stream_window_size(window);
        let connection = http.serve_connection(TokioIo::new(stream), self.calls.connection());
        let mut connection = pin!(connection);
        let ended = match self.closing.run_until_cancelled(connection.as_mut()).await {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection broke");
        }
    }
}

/// What a client at this address may send ahead of the reader, for one call.
fn window(client: IpAddr) -> u32 {
    match client.to_canonical().is_loopback() {
        true => NEAR_WINDOW,
        false => FAR_WINDOW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_elsewhere_may_send_more_ahead() {
        for (client, expected) in [
            ("127.0.0.1", NEAR_WINDOW),
            ("127.1.2.3", NEAR_WINDOW),
            ("::1", NEAR_WINDOW),
            ("::ffff:127.0.0.1", NEAR_WINDOW),
            ("10.0.0.1", FAR_WINDOW),
            ("fe80::1", FAR_WINDOW),
        ] {
            assert_eq!(window(client.parse().unwrap()), expected, "{client}");
        }
    }
}
