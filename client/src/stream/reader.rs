//! From the driver to us.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use jumpstarter_proto::v1::{FrameType, StreamResponse};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Handle;
use tracing::debug;

use super::answer::Answer;
use super::error::{StreamError, is_closing};
use super::outbox::Outbox;
use crate::connect::status_of;

/// The reading side of a [`ByteStream`](super::ByteStream).
#[derive(Debug)]
pub struct Reader {
    answer: Answer,
    /// Received, but the last caller of `poll_read` had no room for it.
    rest: Bytes,
    end: End,
    /// Given up with us if the writing side is gone as well.
    outbox: Outbox,
    alone: super::writer::Pair,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// There is no more data; how it went is still to be said.
    Said,
    /// Nothing more is said.
    Over,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(answer: Answer, outbox: Outbox, alone: super::writer::Pair) -> Self {
        Self {
            answer,
            rest: Bytes::new(),
            end: End::Open,
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
        while self.end == End::Open {
            let Some(frame) = ready!(self.poll_frame(cx)) else {
                break;
            };
            let frame = frame?;
            match FrameType::try_from(frame.frame_type) {
                Ok(FrameType::Data) => return Poll::Ready(Some(Ok(frame.payload))),
                // Data after it is not for us.
                Ok(FrameType::Goaway) => self.end = End::Said,
                Ok(FrameType::Ping) => {}
                _ => debug!(
                    frame_type = frame.frame_type,
                    "frame of unknown type ignored"
                ),
            }
        }
        Poll::Ready(None)
    }

    /// How it went, after the last chunk; chunks that were not read are thrown away.
    ///
    /// A driver can fail after its last byte, and then the exporter says so after the end of the
    /// data. That all went well it says only when the writing side is at its end, too. So finish
    /// that first, and wait as long as the reason is worth it:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use jumpstarter_client::Device;
    /// # use tokio::time::timeout;
    /// # async fn example(console: &Device) -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut reader, writer) = console.connect("connect").await?.split();
    /// while let Some(chunk) = reader.next().await {
    ///     println!("{:?}", chunk?);
    /// }
    /// writer.finish();
    /// if let Ok(Err(error)) = timeout(Duration::from_millis(300), reader.outcome()).await {
    ///     println!("it ended because {error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the stream broke, unless [`next`](Self::next) has told it.
    pub async fn outcome(&mut self) -> Result<(), StreamError> {
        while self.end != End::Over {
            match std::future::poll_fn(|cx| self.poll_frame(cx)).await {
                Some(Err(StreamError::Broken(status))) if is_closing(&status) => {}
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Waits until there is an answer; what comes with it is still to be read.
    pub(super) async fn answered(&mut self) -> Result<(), StreamError> {
        let answered = std::future::poll_fn(|cx| self.answer.poll_answered(cx)).await;
        answered.map_err(|status| {
            self.end = End::Over;
            StreamError::Broken(Box::new(status_of(status)))
        })
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<StreamResponse, StreamError>>> {
        let frame = ready!(self.answer.poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(status)) => {
                self.end = End::Over;
                let status = Box::new(status_of(status));
                Some(Err(StreamError::Broken(status)))
            }
            None => {
                self.end = End::Over;
                None
            }
        })
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
        } else if let Some(asked) = self.answer.take_asked()
            && let Ok(runtime) = Handle::try_current()
        {
            // The writing side goes on alone, and would not if nobody waited for the answer. This ends
            // with the answer, or when the writing side is given up.
            runtime.spawn(asked);
        }
    }
}
