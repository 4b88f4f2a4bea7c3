//! A byte stream as its call sees it: frames to send, and how it ends.
//!
//! ```text
//!   socket: chunk ───────────────► chunk
//!   socket: end, or reset ───────► GOAWAY, then wait for the client and for the driver
//!   driver: failed ──────────────► what is left in the socket, GOAWAY, Trouble::Driver
//!   client: done, driver: done ──► end
//!   client: nonsense ────────────► Trouble::Frame
//! ```

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::Body;
use tokio::runtime::Handle;
use tokio::task::JoinError;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::FrameError;
use super::frames::GOAWAY;
use super::inbound::Inbound;
use super::share::Share;
use super::socket::{self, Reader};
use crate::plugin;
use crate::resource::Offer;

/// What is at the other end of the socket.
#[derive(Debug)]
pub(crate) enum Source {
    /// A driver, which may tell how it ended.
    Driver(Option<plugin::Outcome>),
    /// A transfer; its driver hears how it ended, and tells the client in its own way.
    Transfer(Arc<Offer>),
}

/// Why a stream did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The driver failed, or its connection did.
    #[error("{0}")]
    Driver(String),
    /// The client sent what is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The client went away.
    #[error("the client went away")]
    Gone,
    /// Something is wrong with this program.
    #[error(transparent)]
    Ours(#[from] JoinError),
}

/// A byte stream in motion. Dropping it closes the socket, after what the client has sent until then.
#[derive(Debug)]
pub(crate) struct Pump {
    reader: Reader,
    /// None when the client sends no more.
    inbound: Option<AbortOnDropHandle<Result<(), Trouble>>>,
    /// The socket's errors say nothing that is not also said by somebody who knows better.
    lenient: bool,
    /// None when there is nothing to wait for. After the socket, so that it is dropped after it.
    outcome: Option<plugin::Outcome>,
    /// What to end with.
    failed: Option<String>,
    /// Chunks since both sides were last listened to.
    chunks: u32,
    state: State,
    _share: Share,
}

/// How long a driver may take for what a client sent before it went away.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A socket that always has something to say must not drown the others out.
const LISTEN_EVERY: u32 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The socket is at its end.
    Saying,
    /// The client has been told.
    Quiet,
    Over,
}

// === impl Pump ===

impl Pump {
    /// Starts a stream between the call with this body and a non-blocking socket.
    ///
    /// # Errors
    ///
    /// The runtime does not take the socket.
    pub(crate) fn start<B>(socket: OwnedFd, body: B, source: Source) -> io::Result<Self>
    where
        B: Body<Data = Bytes, Error: Display + Send> + Send + Unpin + 'static,
    {
        let (reader, writer) = socket::split(socket)?;
        let (outcome, offer) = match source {
            Source::Driver(outcome) => (outcome, None),
            Source::Transfer(offer) => (None, Some(offer)),
        };
        let lenient = outcome.is_some() || offer.is_some();
        let inbound = Inbound {
            body,
            writer,
            offer,
            lenient,
        };
        Ok(Self {
            reader,
            inbound: Some(AbortOnDropHandle::new(tokio::spawn(inbound.run()))),
            lenient,
            outcome,
            failed: None,
            chunks: 0,
            state: State::Reading,
            _share: Share::take(),
        })
    }

    /// The call is over whatever its client still says.
    pub(crate) fn cut(&mut self) {
        self.inbound = None;
    }

    /// Notes the end of either side.
    fn listen(&mut self, cx: &mut Context<'_>) -> Result<(), Trouble> {
        if let Some(inbound) = &mut self.inbound
            && let Poll::Ready(ended) = Pin::new(inbound).poll(cx)
        {
            self.inbound = None;
            match ended? {
                Ok(()) => {}
                Err(Trouble::Driver(why)) => self.failed = Some(why),
                Err(trouble) => return Err(trouble),
            }
        }
        if let Some(outcome) = &mut self.outcome
            && let Poll::Ready(outcome) = Pin::new(outcome).poll(cx)
        {
            self.outcome = None;
            if let Err(error) = outcome {
                self.failed = Some(error.to_string());
            }
        }
        Ok(())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let read = if self.failed.is_some() {
            // Nothing more will be written, and what was is in the socket by now.
            self.reader.now()
        } else {
            ready!(self.reader.poll_next(cx))
        };
        Poll::Ready(match read {
            Ok(chunk) => chunk,
            Err(error) if self.failed.is_some() => {
                tracing::debug!(%error, "the rest of a failed byte stream");
                None
            }
            Err(error) if self.lenient && error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => {
                self.failed = Some(error.to_string());
                None
            }
        })
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        loop {
            match self.state {
                State::Reading => {
                    let mut chunk = self.poll_chunk(cx);
                    self.chunks += 1;
                    if chunk.is_pending() || self.chunks == LISTEN_EVERY {
                        self.chunks = 0;
                        self.listen(cx)?;
                    }
                    if chunk.is_pending() {
                        if self.failed.is_none() {
                            return Poll::Pending;
                        }
                        chunk = self.poll_chunk(cx);
                    }
                    match ready!(chunk) {
                        Some(chunk) => return Poll::Ready(Some(Ok(chunk))),
                        None => self.state = State::Saying,
                    }
                }
                State::Saying => {
                    self.state = State::Quiet;
                    return Poll::Ready(Some(Ok(Bytes::from_static(GOAWAY))));
                }
                State::Quiet => {
                    self.listen(cx)?;
                    if let Some(why) = self.failed.take() {
                        return Poll::Ready(Some(Err(Trouble::Driver(why))));
                    }
                    if self.inbound.is_some() || self.outcome.is_some() {
                        return Poll::Pending;
                    }
                    self.state = State::Over;
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Pump {
    // A client that has said all it wanted to say may cancel the call at once, and the news of that
    // overtake what it said.
    fn drop(&mut self) {
        if let (Some(inbound), Ok(runtime)) = (self.inbound.take(), Handle::try_current()) {
            runtime.spawn(timeout(LAST_WORDS, inbound));
        }
    }
}

impl Stream for Pump {
    type Item = Result<Bytes, Trouble>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.poll_item(cx);
        if let Poll::Ready(Some(Err(_))) = item {
            self.state = State::Over;
        }
        item
    }
}
