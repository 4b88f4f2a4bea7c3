//! A connection whose peer has to begin to speak.
//!
//! Which version of HTTP it speaks is seen from its first bytes, and hyper waits for them for ever. One
//! that says nothing would keep its place from somebody else.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The preface of HTTP/2, the longest that anybody has to say first.
const PREFACE: usize = 24;

/// Fails if nothing comes in time; later it may be silent for as long as it likes.
#[derive(Debug)]
pub(super) struct FirstWords<T> {
    stream: T,
    /// Until all of the first words are there.
    patience: Option<Pin<Box<Sleep>>>,
    heard: usize,
}

// === impl FirstWords ===

impl<T> FirstWords<T> {
    pub(super) fn within(patience: Duration, stream: T) -> Self {
        Self {
            stream,
            patience: Some(Box::pin(sleep(patience))),
            heard: 0,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for FirstWords<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(patience) = &mut self.patience else {
            return read;
        };
        if read.is_pending() {
            return patience
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::Error::new(ErrorKind::TimedOut, "it said nothing")));
        }
        self.heard += buffer.filled().len() - before;
        if self.heard >= PREFACE {
            self.patience = None;
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for FirstWords<T> {
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

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn whoever_says_too_little_is_cut_off_and_nobody_else() {
        let (mut near, far) = duplex(64);
        let mut far = FirstWords::within(PATIENCE, far);
        near.write_all(&[b'P'; PREFACE - 1]).await.unwrap();
        let mut all = Vec::new();
        let cut = far.read_to_end(&mut all).await.unwrap_err();
        assert_eq!((cut.kind(), all.len()), (ErrorKind::TimedOut, PREFACE - 1));

        let (mut near, far) = duplex(64);
        let mut far = FirstWords::within(PATIENCE, far);
        near.write_all(&[b'P'; PREFACE]).await.unwrap();
        let mut words = [0; PREFACE];
        far.read_exact(&mut words).await.unwrap();
        let silent = tokio::spawn(async move { far.read_u8().await });
        sleep(100 * PATIENCE).await;
        near.write_u8(7).await.unwrap();
        assert_eq!(silent.await.unwrap().unwrap(), 7);
    }
}
