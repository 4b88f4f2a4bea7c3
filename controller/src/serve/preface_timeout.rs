//! A connection on which the peer has to send its first bytes in time.
//!
//! hyper tells the version of HTTP from the first bytes, and waits for them for ever. A silent peer
//! would keep a connection slot from others.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Length of the HTTP/2 connection preface, the longest that hyper waits for.
const PREFACE_BYTES: usize = 24;

/// Reading fails if the preface is not there in time; after it, the peer may be silent for ever.
#[derive(Debug)]
pub(super) struct PrefaceTimeout<T> {
    stream: T,
    /// Runs until the preface is complete.
    timer: Option<Pin<Box<Sleep>>>,
    received: usize,
}

// === impl PrefaceTimeout ===

impl<T> PrefaceTimeout<T> {
    pub(super) fn new(limit: Duration, stream: T) -> Self {
        Self {
            stream,
            timer: Some(Box::pin(sleep(limit))),
            received: 0,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PrefaceTimeout<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(timer) = &mut self.timer else {
            return read;
        };
        if read.is_pending() {
            return timer
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::Error::new(ErrorKind::TimedOut, "it said nothing")));
        }
        self.received += buffer.filled().len() - before;
        if self.received >= PREFACE_BYTES {
            self.timer = None;
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PrefaceTimeout<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
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
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn whoever_says_too_little_is_cut_off_and_nobody_else() {
        let (mut near, far) = duplex(64);
        let mut far = PrefaceTimeout::new(LIMIT, far);
        near.write_all(&[b'P'; PREFACE_BYTES - 1]).await.unwrap();
        let mut all = Vec::new();
        let cut = far.read_to_end(&mut all).await.unwrap_err();
        assert_eq!(
            (cut.kind(), all.len()),
            (ErrorKind::TimedOut, PREFACE_BYTES - 1)
        );

        let (mut near, far) = duplex(64);
        let mut far = PrefaceTimeout::new(LIMIT, far);
        near.write_all(&[b'P'; PREFACE_BYTES]).await.unwrap();
        let mut words = [0; PREFACE_BYTES];
        far.read_exact(&mut words).await.unwrap();
        let silent = tokio::spawn(async move { far.read_u8().await });
        sleep(100 * LIMIT).await;
        near.write_u8(7).await.unwrap();
        assert_eq!(silent.await.unwrap().unwrap(), 7);
    }
}
