//! Lets the other end of a tunnel hear the last words.
//!
//! A socket that is closed still delivers what was written; a stream of a router that is dropped is
//! reset, and routers throw away what a reset overtakes. So after the last word the stream is read
//! until the other end has hung up, too, which takes one round trip.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Who has not hung up by now has vanished.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the other end says after we have said goodbye is thrown away in pieces of this size.
const PIECE: usize = 1024;

/// A stream whose end takes as long as the other end needs.
#[derive(Debug)]
pub(super) struct Linger<S> {
    stream: S,
    patience: Option<Pin<Box<Sleep>>>,
}

// === impl Linger ===

impl<S> Linger<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            patience: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
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
        let this = &mut *self;
        if this.patience.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let patience = this
            .patience
            .get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        loop {
            let mut piece = [0; PIECE];
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut this.stream).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {}
                // It has hung up, in one way or another.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return patience.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::{Linger, PATIENCE};

    #[tokio::test]
    async fn it_ends_when_the_other_end_has_heard_everything() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Linger::new(ours);
        ours.write_all(b"last words").await.unwrap();
        let closing = tokio::spawn(async move {
            ours.shutdown().await.unwrap();
        });
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"last words");
        theirs.write_all(&[0; 5000]).await.unwrap();
        drop(theirs);
        closing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_for_somebody_who_has_vanished() {
        let (ours, theirs) = duplex(64);
        let since = Instant::now();
        Linger::new(ours).shutdown().await.unwrap();
        assert!(since.elapsed() >= PATIENCE);
        assert!(since.elapsed() < PATIENCE + Duration::from_secs(1));
        drop(theirs);
    }
}
