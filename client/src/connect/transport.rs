//! From a host to a stream of bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::tls::Client;
use super::{ConnectError, DialError, PATIENCE, Tls, dial};
use crate::Host;

/// What HTTP/2 runs over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What was noticed about the peer while talking to it.
#[derive(Debug, Default)]
pub(super) struct PeerNotes {
    heard: AtomicBool,
    tls: AtomicBool,
}

/// Opens streams to one host; cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    host: Host,
    tls: Option<Client>,
    notes: Arc<PeerNotes>,
}

/// A stream that looks at the first byte the peer sends.
struct Watched {
    stream: Box<dyn Io>,
    notes: Arc<PeerNotes>,
    looked: bool,
}

// === impl PeerNotes ===

impl PeerNotes {
    /// Whether it has said anything at all.
    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether it answered plaintext with TLS.
    pub(super) fn answered_with_tls(&self) -> bool {
        self.tls.load(Ordering::Relaxed)
    }
}

// === impl Connector ===

impl Connector {
    pub(super) fn new(host: &Host, tls: &Tls, notes: Arc<PeerNotes>) -> Result<Self, ConnectError> {
        let tls = if host.is_tcp() { tls.client()? } else { None };
        Ok(Self {
            host: host.clone(),
            tls,
            notes,
        })
    }

    pub(super) async fn open(&self) -> Result<impl Io + use<>, ConnectError> {
        let stream = timeout(PATIENCE, self.connect()).await;
        let stream = stream.unwrap_or_else(|_| {
            Err(ConnectError::TimedOut {
                host: self.host.clone(),
            })
        })?;
        Ok(Watched {
            stream,
            notes: Arc::clone(&self.notes),
            looked: false,
        })
    }

    async fn connect(&self) -> Result<Box<dyn Io>, ConnectError> {
        let (name, port) = match &self.host {
            Host::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                let stream =
                    stream.map_err(|source| ConnectError::from_connect(&self.host, source))?;
                return Ok(Box::new(stream));
            }
            Host::Tcp { name, port } if name.is_empty() => ("localhost", *port),
            Host::Tcp { name, port } => (name.as_str(), *port),
        };
        let stream = self.dial(name, port).await?;
        match &self.tls {
            Some(client) => Ok(Box::new(client.handshake(&self.host, name, stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }

    async fn dial(&self, name: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let failed = |source| ConnectError::from_connect(&self.host, source);
        let stream = dial(name, port).await.map_err(|error| match error {
            DialError::Resolve { source, .. } => ConnectError::Resolve {
                host: self.host.clone(),
                source,
            },
            DialError::Connect { source, .. } => failed(source),
        })?;
        // Calls are small; waiting for more bytes would only add latency.
        stream.set_nodelay(true).map_err(failed)?;
        Ok(stream)
    }
}

// === impl Watched ===

impl Watched {
    /// An HTTP/2 peer starts with the length of a short frame, a TLS peer with an alert.
    fn look(&mut self, received: &[u8]) {
        const ALERT: u8 = 0x15;
        if let Some(first) = received.first() {
            self.looked = true;
            self.notes.heard.store(true, Ordering::Relaxed);
            // Inside TLS no frame starts with an alert either.
            if *first == ALERT {
                self.notes.tls.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if !self.looked && matches!(polled, Poll::Ready(Ok(()))) {
            self.look(&buf.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
