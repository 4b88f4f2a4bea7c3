//! Reading what the client sends.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::UnixStream;

use super::transfer::Transfer;
use super::{BlockingReader, CHUNK};
use crate::Result;

/// The data that the client sends, from [`Resource::read`](crate::Resource::read).
///
/// The end of file means that all of it is there. Anything else is an error that says what has
/// happened, and that `?` turns into an [`Error`](crate::Error) with the exporter's code and text.
/// Dropping the reader earlier gives the transfer up.
#[derive(Debug)]
pub struct ResourceReader {
    socket: UnixStream,
    transfer: Transfer,
}

// === impl ResourceReader ===

impl ResourceReader {
    pub(super) fn new(socket: OwnedFd, transfer: Transfer) -> Result<Self> {
        let socket = StdStream::from(socket);
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        Ok(Self { socket, transfer })
    }

    /// Copies all of it, in large pieces, and flushes `target`. Returns how many bytes it was.
    ///
    /// # Errors
    /// The data is not whole, or `target` failed.
    pub async fn copy_to<W>(self, target: &mut W) -> Result<u64>
    where
        W: AsyncWrite + Unpin + ?Sized,
    {
        let mut source = BufReader::with_capacity(CHUNK, self);
        Ok(tokio::io::copy_buf(&mut source, target).await?)
    }

    /// The same for code that blocks its thread.
    ///
    /// # Errors
    /// Those of the system.
    pub fn blocking(self) -> Result<BlockingReader> {
        BlockingReader::new(self.socket.into_std()?, self.transfer)
    }
}

impl AsyncRead for ResourceReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.transfer.is_open() {
            if buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            match ready!(Pin::new(&mut self.socket).poll_read(cx, buf)) {
                Ok(()) if buf.filled().len() > before => return Poll::Ready(Ok(())),
                Ok(()) => self.transfer.ask(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Poll::Ready(Err(error));
                }
                Err(error) => self.transfer.ask(Some(error)),
            }
        }
        self.transfer.poll_end(cx)
    }
}
