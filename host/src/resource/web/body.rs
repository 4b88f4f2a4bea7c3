//! The body of an answer, as a reader.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::error::Trouble;
use super::exchange::{Exchange, innermost};
use super::progress::Progress;
use crate::resource::buffered;

/// Reads a body and, on the way, runs its connection. Its errors carry a [`Trouble`].
pub(super) struct Body {
    exchange: Exchange<Empty<Bytes>>,
    incoming: Incoming,
    /// What has come and was not taken yet.
    page: Bytes,
    silence: Pin<Box<Sleep>>,
    limit: Duration,
    /// The server's turn has begun.
    waiting: bool,
    progress: Progress,
}

// === impl Body ===

impl Body {
    pub(super) fn new(
        exchange: Exchange<Empty<Bytes>>,
        incoming: Incoming,
        limit: Duration,
        progress: Progress,
    ) -> Self {
        Self {
            exchange,
            incoming,
            page: Bytes::new(),
            silence: Box::pin(sleep(limit)),
            limit,
            waiting: false,
            progress,
        }
    }

    /// The next part that is not empty; none at the end.
    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Trouble>> {
        loop {
            self.exchange.drive(cx);
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_silence(cx),
            };
            self.waiting = false;
            match frame {
                None => return Poll::Ready(Ok(None)),
                Some(Err(error)) => {
                    let why = self.exchange.failure();
                    let why = why.unwrap_or_else(|| innermost(&error));
                    return Poll::Ready(Err(Trouble::Interrupted(why)));
                }
                // Other frames are trailers.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(page) if !page.is_empty() => {
                        self.progress.add(page.len());
                        return Poll::Ready(Ok(Some(page)));
                    }
                    _ => {}
                },
            }
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Trouble>> {
        if !self.waiting {
            self.waiting = true;
            self.silence.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Err(Trouble::TimedOut(self.limit)))
    }
}

impl AsyncBufRead for Body {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.page.is_empty() {
            let page = ready!(this.poll_page(cx)).map_err(Trouble::into_io)?;
            this.page = page.unwrap_or_default();
        }
        Poll::Ready(Ok(&this.page))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.page.advance(amount);
    }
}

impl AsyncRead for Body {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffered::poll_read(self, cx, buf)
    }
}
