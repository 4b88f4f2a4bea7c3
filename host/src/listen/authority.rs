//! Makes what gRPC's C core sends on a unix socket acceptable to the HTTP/2 library.
//!
//! C core, and with it every Python client, names the server after the socket: `:authority:
//! run%2Fuser%2F0%2Fsocket`. An authority with `%` in it is malformed as far as the `http` crate is
//! concerned, and the call is reset before anybody sees it. The name means nothing here, so each `%`
//! in it is overwritten with a `.` as the bytes come in. Nothing changes its length, so frames and
//! the header table of the connection stay what the client thinks they are.
//!
//! ```text
//!   socket ─► frames.rs: which bytes are headers ─► block.rs: which of those are the authority ─► h2
//! ```

mod block;
mod frames;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use frames::Frames;

/// A connection of which only the authority changes.
#[derive(Debug)]
pub(super) struct PlainAuthority<S> {
    stream: S,
    frames: Frames,
}

// === impl PlainAuthority ===

impl<S> PlainAuthority<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            frames: Frames::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PlainAuthority<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.frames.pass(&mut buffer.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PlainAuthority<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
