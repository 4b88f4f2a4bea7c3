//! What was written and not yet taken by HTTP/2: a queue bounded in bytes.
//!
//! It also remembers how the direction ends: finished (GOAWAY, then the end of the request), or
//! given up, which nobody may mistake for the end of the data.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::Stream;
use jumpstarter_proto::v1::{FrameType, StreamRequest};

use super::codec::Outgoing;

/// How many bytes may wait. One chunk always may, whatever its size.
const CAPACITY: usize = 128 * 1024;

/// What a chunk takes besides its bytes, so that empty ones do not pile up either.
const COST: usize = 64;

/// The side that writes.
#[derive(Debug, Default)]
pub(super) struct Outbox(Arc<Mutex<State>>);

/// The side that HTTP/2 takes from.
#[derive(Debug)]
pub(super) struct Taker(Arc<Mutex<State>>);

/// Nobody takes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    /// Taken by what is in the queue.
    bytes: usize,
    end: End,
    gone: bool,
    writer: Option<Waker>,
    taker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// GOAWAY is to be sent after the queue.
    Finished,
    /// GOAWAY was sent.
    Said,
    /// Both sides were dropped before the end.
    Aborted,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it is held.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Outbox ===

impl Outbox {
    pub(super) fn taker(&self) -> Taker {
        Taker(Arc::clone(&self.0))
    }

    /// Another hold on the same queue, for the side that can only give up.
    pub(super) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Waits until there is room.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let mut state = lock(&self.0);
        if state.gone || state.end != End::Open {
            return Poll::Ready(Err(Gone));
        }
        if state.bytes < CAPACITY {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Puts a chunk in; there should be room.
    pub(super) fn put(&self, chunk: Bytes) {
        let mut state = lock(&self.0);
        state.bytes += COST + chunk.len();
        state.queue.push_back(chunk);
        wake(state.taker.take(), state);
    }

    /// What is in goes out, then the end is announced.
    pub(super) fn finish(&self) {
        let mut state = lock(&self.0);
        if state.end == End::Open {
            state.end = End::Finished;
            wake(state.taker.take(), state);
        }
    }

    /// Throws away what is in and resets the stream, unless it was finished.
    pub(super) fn abort(&self) {
        let mut state = lock(&self.0);
        if state.end == End::Open {
            state.end = End::Aborted;
            state.queue.clear();
            wake(state.taker.take(), state);
        }
    }
}

/// Wakes outside of the lock.
fn wake(waker: Option<Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

// === impl Taker ===

impl Stream for Taker {
    type Item = Outgoing;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let mut state = lock(&self.0);
        if let Some(payload) = state.queue.pop_front() {
            state.bytes -= COST + payload.len();
            if state.bytes < CAPACITY {
                wake(state.writer.take(), state);
            }
            return Poll::Ready(Some(frame(payload, FrameType::Data)));
        }
        match state.end {
            End::Open => {
                state.taker = Some(cx.waker().clone());
                Poll::Pending
            }
            End::Finished => {
                state.end = End::Said;
                Poll::Ready(Some(frame(Bytes::new(), FrameType::Goaway)))
            }
            End::Said => Poll::Ready(None),
            End::Aborted => Poll::Ready(Some(Outgoing::Abort)),
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.gone = true;
        state.queue.clear();
        wake(state.writer.take(), state);
    }
}

fn frame(payload: Bytes, kind: FrameType) -> Outgoing {
    Outgoing::Frame(StreamRequest {
        payload,
        frame_type: kind.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn take(taker: &mut Taker) -> Option<Outgoing> {
        match Pin::new(taker).poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(taken) => taken,
            Poll::Pending => panic!("there is nothing to take"),
        }
    }

    fn payload(outgoing: Option<Outgoing>) -> (Bytes, i32) {
        match outgoing {
            Some(Outgoing::Frame(frame)) => (frame.payload, frame.frame_type),
            other => panic!("{other:?}"),
        }
    }

    fn ready(outbox: &Outbox) -> Poll<Result<(), Gone>> {
        outbox.poll_ready(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn chunks_come_out_as_they_went_in_and_then_the_end() {
        let outbox = Outbox::default();
        let mut taker = outbox.taker();
        outbox.put(Bytes::from_static(b"one"));
        outbox.put(Bytes::new());
        outbox.finish();
        outbox.abort();
        let data = FrameType::Data.into();
        assert_eq!(
            payload(take(&mut taker)),
            (Bytes::from_static(b"one"), data)
        );
        assert_eq!(payload(take(&mut taker)), (Bytes::new(), data));
        let goaway = FrameType::Goaway.into();
        assert_eq!(payload(take(&mut taker)), (Bytes::new(), goaway));
        assert!(take(&mut taker).is_none());
        assert_eq!(ready(&outbox), Poll::Ready(Err(Gone)));
    }

    #[test]
    fn it_is_full_at_its_capacity_and_not_before() {
        let outbox = Outbox::default();
        let mut taker = outbox.taker();
        outbox.put(vec![0; CAPACITY - COST - 1].into());
        assert_eq!(ready(&outbox), Poll::Ready(Ok(())));
        outbox.put(vec![0; 4 * CAPACITY].into());
        assert_eq!(ready(&outbox), Poll::Pending);
        take(&mut taker);
        assert_eq!(ready(&outbox), Poll::Pending);
        take(&mut taker);
        assert_eq!(ready(&outbox), Poll::Ready(Ok(())));
    }

    #[test]
    fn small_chunks_do_not_pile_up() {
        let outbox = Outbox::default();
        let mut taker = outbox.taker();
        let mut count = 0;
        while ready(&outbox).is_ready() {
            outbox.put(Bytes::new());
            count += 1;
            assert!(count < 100_000, "empty chunks fill it, too");
        }
        take(&mut taker);
        assert_eq!(ready(&outbox), Poll::Ready(Ok(())));
    }

    #[test]
    fn giving_up_throws_away_what_waits() {
        let outbox = Outbox::default();
        let mut taker = outbox.taker();
        outbox.put(Bytes::from_static(b"half an image"));
        outbox.abort();
        assert!(matches!(take(&mut taker), Some(Outgoing::Abort)));
        drop(taker);
        assert_eq!(ready(&outbox), Poll::Ready(Err(Gone)));
    }
}
