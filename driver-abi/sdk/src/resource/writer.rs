//! Writing what the client receives.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::transfer::Transfer;
use super::{BlockingWriter, CHUNK};
use crate::{Result, sockets};

/// Where the client receives data, from [`Resource::write`](crate::Resource::write).
///
/// [`finish`](Self::finish) says that this was all, and waits until the client has it; a writer
/// that is dropped before gives the transfer up, and the client is told so. Errors are
/// the exporter's, as for [`ResourceReader`](crate::ResourceReader). `AsyncWriteExt::shutdown` is
/// the same as `finish`, for what wraps a writer.
#[derive(Debug)]
pub struct ResourceWriter {
    socket: UnixStream,
    transfer: Transfer,
}

// === impl ResourceWriter ===

impl ResourceWriter {
    pub(super) fn new(socket: OwnedFd, transfer: Transfer) -> Result<Self> {
        sockets::enlarge(&socket, sockets::STREAM_BUFFER);
        let socket = StdStream::from(socket);
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        Ok(Self { socket, transfer })
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// The client did not get all of it.
    pub async fn finish(mut self) -> Result<()> {
        Ok(self.shutdown().await?)
    }

    /// Copies all of `source`, in large pieces, and finishes. Returns how many bytes it was.
    ///
    /// # Errors
    /// `source` failed, or the client did not get all of it.
    pub async fn copy_from<R>(mut self, source: &mut R) -> Result<u64>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        let mut source = BufReader::with_capacity(CHUNK, source);
        let size = tokio::io::copy_buf(&mut source, &mut self).await?;
        self.finish().await?;
        Ok(size)
    }

    /// The same for code that blocks its thread.
    ///
    /// # Errors
    /// Those of the system.
    pub fn blocking(self) -> Result<BlockingWriter> {
        BlockingWriter::new(self.socket.into_std()?, self.transfer)
    }

    /// Hands on what a write to the socket has said; a socket that is broken ends the transfer.
    fn after<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match ready!(written) {
            Err(error) if error.kind() != ErrorKind::Interrupted => self.transfer.ask(Some(error)),
            written => return Poll::Ready(written),
        }
        self.refusal(cx)
    }

    /// Why nothing can be written any more.
    fn refusal<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        Poll::Ready(Err(match ready!(self.transfer.poll_end(cx)) {
            Err(error) => error,
            Ok(()) => io::Error::new(ErrorKind::BrokenPipe, "the resource is finished"),
        }))
    }
}

impl AsyncWrite for ResourceWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.transfer.is_open() {
            return self.refusal(cx);
        }
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.after(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.transfer.is_open() {
            return self.refusal(cx);
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.after(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has nothing to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.transfer.is_open() {
            let broken = ready!(Pin::new(&mut self.socket).poll_shutdown(cx)).err();
            self.transfer.ask(broken);
        }
        self.transfer.poll_end(cx)
    }
}
