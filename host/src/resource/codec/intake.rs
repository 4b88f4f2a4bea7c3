//! What comes in, in large pieces, with a look at what is next.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, ReadBuf};

use super::CHUNK;
use crate::resource::buffered;

/// A buffered reader that knows how much it has read, and whether anybody has asked it for more
/// than there was.
pub(in crate::resource) struct Intake<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    received: u64,
    ended: bool,
    /// Somebody has been told that there is no more.
    pub(super) starved: bool,
    /// What the source failed with.
    pub(super) failure: Option<io::Error>,
}

// === impl Intake ===

impl<R: AsyncRead + Unpin> Intake<R> {
    pub(in crate::resource) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; CHUNK].into_boxed_slice(),
            start: 0,
            end: 0,
            received: 0,
            ended: false,
            starved: false,
            failure: None,
        }
    }

    /// How much has come in.
    pub(in crate::resource) fn received(&self) -> u64 {
        self.received
    }

    /// How much of that has been used.
    pub(super) fn position(&self) -> u64 {
        self.received - (self.end - self.start) as u64
    }

    /// The next `wanted` bytes, without using them; fewer at the end only.
    pub(super) async fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.start + wanted > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < wanted && !self.ended {
            let read = self.source.read(&mut self.buffer[self.end..]).await?;
            self.took(read);
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn took(&mut self, read: usize) {
        self.ended = read == 0;
        self.end += read;
        self.received += read as u64;
    }
}

impl<R: AsyncRead + Unpin> AsyncBufRead for Intake<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.start == this.end && !this.ended {
            this.start = 0;
            this.end = 0;
            let mut room = ReadBuf::new(&mut this.buffer);
            if let Err(error) = ready!(Pin::new(&mut this.source).poll_read(cx, &mut room)) {
                let kind = error.kind();
                this.failure = Some(error);
                return Poll::Ready(Err(kind.into()));
            }
            let read = room.filled().len();
            this.took(read);
        }
        this.starved |= this.start == this.end;
        Poll::Ready(Ok(&this.buffer[this.start..this.end]))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Intake<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffered::poll_read(self, cx, buf)
    }
}
