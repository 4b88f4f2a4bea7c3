//! What one side receives: everything the other sends, then how it ended.
//!
//! ```text
//!   waiting ──► flowing ──► drained ──► the other direction ended, too ──► trailers: OK
//!      │           │           │
//!      └───────────┴───────────┴── nobody came, broken off, or cut ──► trailers: UNAVAILABLE
//! ```

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use super::half::{Fate, Side};
use super::pairs::{Joined, Traffic, WaitingSlot};

/// The body of the response to one side.
pub struct Relay<B> {
    state: State<B>,
    fate: Fate,
    traffic: Arc<Traffic>,
    /// These resolve when the stream ends early.
    broken: Pin<Box<WaitForCancellationFutureOwned>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    joined: Option<Joined>,
}

enum State<B> {
    /// There is no other side yet.
    Waiting {
        arrives: oneshot::Receiver<B>,
        slot: Option<WaitingSlot<B>>,
        late: Pin<Box<Sleep>>,
    },
    /// Passes on what the other side sends; `to` is the receiver.
    Flowing {
        body: B,
        to: Side,
    },
    /// The other side has sent everything; waits until this side has, too.
    Drained {
        finished: Pin<Box<WaitForCancellationFutureOwned>>,
    },
    Ended,
}

// === impl Relay ===

impl<B> Relay<B> {
    /// The response to the first side, which waits for the second.
    pub(super) fn waiting(
        arrives: oneshot::Receiver<B>,
        slot: WaitingSlot<B>,
        late: Pin<Box<Sleep>>,
        fate: Fate,
        traffic: Arc<Traffic>,
    ) -> Self {
        let state = State::Waiting {
            arrives,
            slot: Some(slot),
            late,
        };
        Self::new(state, fate, traffic, None)
    }

    /// The response to the second side, which receives what the first sends.
    pub(super) fn joined(
        to: Side,
        body: B,
        fate: Fate,
        traffic: Arc<Traffic>,
        joined: Joined,
    ) -> Self {
        Self::new(State::Flowing { body, to }, fate, traffic, Some(joined))
    }

    fn new(state: State<B>, fate: Fate, traffic: Arc<Traffic>, joined: Option<Joined>) -> Self {
        Self {
            state,
            broken: Box::pin(fate.broken().clone().cancelled_owned()),
            cut: Box::pin(fate.cut().ended()),
            fate,
            traffic,
            joined,
        }
    }

    /// Whether the other side was there already when this one came.
    pub fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    fn end(&mut self, status: &Status) -> Frame<Bytes> {
        if status.code() != tonic::Code::Ok {
            self.fate.break_off();
        }
        self.state = State::Ended;
        let mut trailers = http::HeaderMap::with_capacity(2);
        // The reasons are our own ASCII texts, so this cannot fail; UNAVAILABLE all the same if it
        // does.
        if status.add_header(&mut trailers).is_err() {
            trailers.clear();
            trailers.insert("grpc-status", http::HeaderValue::from_static("14"));
        }
        Frame::trailers(trailers)
    }
}

impl<B> Body for Relay<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if matches!(this.state, State::Ended) {
            return Poll::Ready(None);
        }
        if this.cut.as_mut().poll(cx).is_ready() {
            let ended = Status::unavailable(this.fate.cut().why());
            return Poll::Ready(Some(Ok(this.end(&ended))));
        }
        loop {
            match &mut this.state {
                State::Waiting {
                    arrives,
                    slot,
                    late,
                } => match pin!(arrives).poll(cx) {
                    Poll::Ready(Ok(body)) => {
                        // The other side has taken this one out of the waiting streams.
                        slot.take();
                        this.state = State::Flowing {
                            body,
                            to: Side::First,
                        };
                    }
                    Poll::Ready(Err(_)) => {
                        let gone = Status::unavailable("the router has given up this stream");
                        return Poll::Ready(Some(Ok(this.end(&gone))));
                    }
                    Poll::Pending => {
                        ready!(late.as_mut().poll(cx));
                        let alone = Status::unavailable("the other side did not come");
                        return Poll::Ready(Some(Ok(this.end(&alone))));
                    }
                },
                State::Flowing { body, to } => {
                    let frame = match Pin::new(body).poll_frame(cx) {
                        Poll::Ready(frame) => frame,
                        // After a break, only what has arrived already is passed on.
                        Poll::Pending => {
                            ready!(this.broken.as_mut().poll(cx));
                            return Poll::Ready(Some(Ok(this.end(&gone()))));
                        }
                    };
                    match frame {
                        Some(Ok(frame)) => {
                            // Trailers of a request mean nothing here.
                            if let Ok(data) = frame.into_data()
                                && !data.is_empty()
                            {
                                this.traffic.count(data.len());
                                return Poll::Ready(Some(Ok(Frame::data(data))));
                            }
                        }
                        Some(Err(_)) => return Poll::Ready(Some(Ok(this.end(&gone())))),
                        None => {
                            let from = to.other();
                            this.fate.finish(from);
                            let finished = this.fate.finished(*to).clone().cancelled_owned();
                            this.state = State::Drained {
                                finished: Box::pin(finished),
                            };
                        }
                    }
                }
                State::Drained { finished } => {
                    if finished.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Some(Ok(this.end(&Status::ok("")))));
                    }
                    ready!(this.broken.as_mut().poll(cx));
                    return Poll::Ready(Some(Ok(this.end(&gone()))));
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl<B> Drop for Relay<B> {
    fn drop(&mut self) {
        // The receiver of this response has gone away.
        if !matches!(self.state, State::Ended) {
            self.fate.break_off();
        }
    }
}

impl<B> std::fmt::Debug for Relay<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            State::Waiting { .. } => "waiting",
            State::Flowing { .. } => "flowing",
            State::Drained { .. } => "drained",
            State::Ended => "ended",
        };
        f.debug_tuple("Relay").field(&state).finish()
    }
}

fn gone() -> Status {
    Status::unavailable("peer disconnected")
}
