//! From us to the driver.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::StreamError;
use super::outbox::{Gone, Outbox};

/// Bytes in one frame at most. Peers refuse messages of more than 4 MiB.
const FRAME: usize = 1 << 20;

/// Bytes that one `poll_write` takes at most.
const WRITE: usize = 64 * 1024;

/// The writing side of a [`ByteStream`](super::ByteStream).
///
/// Dropping it says nothing to the exporter; [`finish`](Self::finish) does.
#[derive(Debug)]
pub struct Writer {
    outbox: Outbox,
    alone: Pair,
}

/// Tells the last of two that it is the last.
#[derive(Debug, Clone, Default)]
pub(super) struct Pair(Arc<AtomicBool>);

// === impl Pair ===

impl Pair {
    /// To be called once by each; true for the second.
    pub(super) fn leave(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(outbox: Outbox, alone: Pair) -> Self {
        Self { outbox, alone }
    }

    /// Sends a chunk as one frame, or several if it is larger than 1 MiB.
    ///
    /// Waits while the other side does not read.
    ///
    /// # Errors
    ///
    /// When the exporter takes no more data.
    pub async fn send(&mut self, chunk: Bytes) -> Result<(), StreamError> {
        let mut chunk = chunk;
        loop {
            let ready = poll_fn(|cx| self.outbox.poll_ready(cx)).await;
            ready.map_err(|Gone| StreamError::Closed)?;
            if chunk.len() <= FRAME {
                self.outbox.put(chunk);
                return Ok(());
            }
            self.outbox.put(chunk.split_to(FRAME));
        }
    }

    /// Ends this direction after all that was sent; the other one goes on.
    pub fn finish(self) {
        self.outbox.finish();
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ready = ready!(self.outbox.poll_ready(cx));
        ready.map_err(|Gone| io::Error::from(StreamError::Closed))?;
        let count = buf.len().min(WRITE);
        if count > 0 {
            self.outbox.put(Bytes::copy_from_slice(&buf[..count]));
        }
        Poll::Ready(Ok(count))
    }

    /// Frames leave by themselves; there is nothing to wait for.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outbox.finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.alone.leave() {
            self.outbox.abort();
        }
    }
}
