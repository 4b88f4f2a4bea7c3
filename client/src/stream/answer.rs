//! The answer to the request that asked for a stream: there, or still to come.
//!
//! An exporter answers once its driver has opened the stream. A router may answer with the first
//! frame it passes on, and that may be caused by the frames we send; so both directions must run
//! before there is an answer.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use jumpstarter_proto::v1::StreamResponse;
use tonic::{Status, Streaming};

type Frames = Streaming<StreamResponse>;

pub(super) type Asked = Pin<Box<dyn Future<Output = Result<Frames, Status>> + Send>>;

/// The frames of the other side.
pub(super) enum Answer {
    /// The request is on its way.
    Awaited(Asked),
    /// The stream was agreed to.
    Here(Box<Frames>),
    /// It was not; none once that has been told.
    Refused(Option<Status>),
}

// === impl Answer ===

impl Answer {
    /// Sets `asked` off; returns as soon as there is something to wait for.
    pub(super) async fn awaited(
        asked: impl Future<Output = Result<Frames, Status>> + Send + 'static,
    ) -> Self {
        let mut asked: Asked = Box::pin(asked);
        let first = poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx))).await;
        match first {
            Poll::Pending => Self::Awaited(asked),
            Poll::Ready(Ok(frames)) => Self::Here(Box::new(frames)),
            Poll::Ready(Err(status)) => Self::Refused(Some(status)),
        }
    }

    /// Waits for the answer; that it is a refusal is told once.
    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if let Self::Awaited(asked) = self {
            *self = match ready!(asked.as_mut().poll(cx)) {
                Ok(frames) => Self::Here(Box::new(frames)),
                Err(status) => Self::Refused(Some(status)),
            };
        }
        Poll::Ready(match self {
            Self::Refused(status) => status.take().map_or(Ok(()), Err),
            Self::Awaited(_) | Self::Here(_) => Ok(()),
        })
    }

    /// The request, if it is still on its way.
    pub(super) fn take_asked(&mut self) -> Option<Asked> {
        match std::mem::replace(self, Self::Refused(None)) {
            Self::Awaited(asked) => Some(asked),
            answered => {
                *self = answered;
                None
            }
        }
    }

    /// The next frame.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<StreamResponse, Status>>> {
        if let Err(status) = ready!(self.poll_answered(cx)) {
            return Poll::Ready(Some(Err(status)));
        }
        match self {
            Self::Here(frames) => Pin::new(&mut **frames).poll_next(cx),
            Self::Awaited(_) | Self::Refused(_) => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Awaited(_) => "Awaited",
            Self::Here(_) => "Here",
            Self::Refused(_) => "Refused",
        })
    }
}
