//! `SOCK_STREAM`: bytes without boundaries.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::io::poll_read_buf;

use super::pieces::Pieces;
use super::room::Room;
use super::share;
use super::socket::read_now;

/// When so much has been collected, it is written.
pub(super) fn enough() -> usize {
    share::LEAST.max(share::size() / 2)
}

#[derive(Debug)]
pub(super) struct Reader {
    half: OwnedReadHalf,
    room: Room,
}

#[derive(Debug)]
pub(super) struct Writer {
    half: OwnedWriteHalf,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self {
            half,
            room: Room::new(),
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        if !self.room.is_open() {
            ready!(self.half.as_ref().poll_read_ready(cx))?;
        }
        let half = Pin::new(&mut self.half);
        match poll_read_buf(half, cx, &mut self.room.open(share::size())) {
            Poll::Pending => {
                self.room.wait();
                Poll::Pending
            }
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(None)),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(Some(self.room.take()))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }

    pub(super) fn now(&mut self) -> io::Result<Option<Bytes>> {
        read_now(self.half.as_ref(), share::LEAST)
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(half: OwnedWriteHalf) -> Self {
        Self { half }
    }

    pub(super) async fn write(&mut self, pieces: &mut Pieces) -> io::Result<()> {
        while !pieces.is_empty() {
            let (slices, count) = pieces.slices(usize::MAX);
            match self.half.try_write_vectored(&slices[..count]) {
                Ok(written) => pieces.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.half.writable().await?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
