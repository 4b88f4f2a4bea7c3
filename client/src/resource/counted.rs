//! Something local whose bytes are counted as they pass.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Told how many bytes have passed so far.
pub(super) type Watcher<'a> = Box<dyn FnMut(u64) + Send + 'a>;

pub(super) struct Counted<'a, T> {
    inner: T,
    passed: u64,
    watcher: Option<Watcher<'a>>,
}

// === impl Counted ===

impl<'a, T> Counted<'a, T> {
    pub(super) fn new(inner: T, watcher: Option<Watcher<'a>>) -> Self {
        Self {
            inner,
            passed: 0,
            watcher,
        }
    }

    fn pass(&mut self, count: usize) {
        self.passed += count as u64;
        if let Some(watcher) = &mut self.watcher
            && count > 0
        {
            watcher(self.passed);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<'_, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.pass(buf.filled().len() - before);
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<'_, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = polled {
            self.pass(count);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<T: fmt::Debug> fmt::Debug for Counted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted")
            .field("inner", &self.inner)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}
