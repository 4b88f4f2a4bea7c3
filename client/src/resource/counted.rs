//! Something local whose bytes are counted as they pass.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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

    /// Flushes first: tokio's stdout, for one, leaves that to its user.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Keeps what it is given until it is flushed, and loses it otherwise, as tokio's stdout does.
    #[derive(Default)]
    struct Lazy {
        pending: Vec<u8>,
        written: Vec<u8>,
    }

    impl AsyncWrite for Lazy {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.pending.extend_from_slice(buf);
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            let pending = std::mem::take(&mut self.pending);
            self.written.extend(pending);
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.pending.clear();
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn nothing_is_lost_at_the_end() {
        let mut counted = Counted::new(Lazy::default(), None);
        counted.write_all(b"the last bytes").await.unwrap();
        counted.shutdown().await.unwrap();
        assert_eq!(counted.inner.written, b"the last bytes");
        assert_eq!(counted.passed, 14);
    }
}
