//! The driver's end.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::Result;

/// A byte stream to the client (or, from [`Child::connect`](crate::Child::connect), to another
/// driver). Dropping it ends the stream; shutting its writing half down lets the other side
/// go on sending.
#[derive(Debug)]
pub struct ByteStream {
    socket: UnixStream,
    /// Sent with the first use.
    used: Option<oneshot::Sender<()>>,
}

// === impl ByteStream ===

impl ByteStream {
    /// A stream, the host's end of it, and news of the first use.
    pub(super) fn pair() -> Result<(Self, OwnedFd, oneshot::Receiver<()>)> {
        let (ours, theirs) = StdStream::pair()?;
        theirs.set_nonblocking(true)?;
        let (used, was_used) = oneshot::channel();
        let mut stream = Self::from_socket(ours.into())?;
        stream.used = Some(used);
        Ok((stream, theirs.into(), was_used))
    }

    /// A stream over a connected socket of any family.
    pub(crate) fn from_socket(socket: OwnedFd) -> Result<Self> {
        let socket = StdStream::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UnixStream::from_std(socket)?,
            used: None,
        })
    }

    fn used(mut self: Pin<&mut Self>) -> Pin<&mut UnixStream> {
        if let Some(used) = self.used.take() {
            // If nobody listens the call was given up, which this task is about to learn.
            let _heard = used.send(());
        }
        Pin::new(&mut self.get_mut().socket)
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.used().poll_read(cx, buf)
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.used().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.used().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used().poll_shutdown(cx)
    }
}
