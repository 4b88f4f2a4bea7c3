//! From the driver to us.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::Stream;
use jumpstarter_proto::v1::{FrameType, StreamResponse};
use tokio::io::{AsyncRead, ReadBuf};
use tonic::Streaming;
use tracing::debug;

use super::StreamError;
use super::outbox::Outbox;
use crate::connect::status_of;

/// The reading side of a [`ByteStream`](super::ByteStream).
#[derive(Debug)]
pub struct Reader {
    frames: Streaming<StreamResponse>,
    /// Received, but the last caller of `poll_read` had no room for it.
    rest: Bytes,
    ended: bool,
    /// Given up with us if the writing side is gone as well.
    outbox: Outbox,
    alone: super::writer::Pair,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(
        frames: Streaming<StreamResponse>,
        outbox: Outbox,
        alone: super::writer::Pair,
    ) -> Self {
        Self {
            frames,
            rest: Bytes::new(),
            ended: false,
            outbox,
            alone,
        }
    }

    /// The next chunk as the exporter sent it, or none after the last.
    ///
    /// A chunk may be empty: a datagram can be.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same, for whoever implements a future.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        while !self.ended {
            let frame = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(status)) => {
                    self.ended = true;
                    let status = Box::new(status_of(status));
                    return Poll::Ready(Some(Err(StreamError::Broken(status))));
                }
                None => {
                    self.ended = true;
                    break;
                }
            };
            match FrameType::try_from(frame.frame_type) {
                Ok(FrameType::Data) => return Poll::Ready(Some(Ok(frame.payload))),
                // Whatever comes after it is not for us.
                Ok(FrameType::Goaway) => self.ended = true,
                Ok(FrameType::Ping) => {}
                _ => debug!(
                    frame_type = frame.frame_type,
                    "frame of unknown type ignored"
                ),
            }
        }
        Poll::Ready(None)
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.poll_next(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.alone.leave() {
            self.outbox.abort();
        }
    }
}
