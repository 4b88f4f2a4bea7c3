//! The items of one reply.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use jumpstarter_driver_abi::STREAM_BATCH;
use jumpstarter_value::ListWriter;

use super::open::{Opening, Requests};
use crate::entry::Done;
use crate::{Error, Result, panics};

/// No reply is larger, except for a single item that is.
const LIMIT: usize = 256 * 1024;

/// What was collected for the next reply, and what was left over by the last.
#[derive(Default)]
pub(super) struct Batch {
    list: ListWriter,
    /// The latest item, encoded.
    item: Vec<u8>,
    /// It did not fit into the last reply.
    carried: bool,
    end: Option<End>,
}

/// How the stream ended.
enum End {
    Over,
    Failed(Error),
}

// === impl Batch ===

impl Batch {
    /// Collects up to `max` items: waits for the first, takes the others if they are there.
    pub(super) async fn fill<S: Stream>(
        &mut self,
        mut stream: Pin<&mut S>,
        max: usize,
        encode: fn(S::Item, &mut Vec<u8>) -> Result<()>,
    ) {
        poll_fn(|cx| match self.collect(stream.as_mut(), max, encode, cx) {
            Poll::Pending if self.list.is_empty() => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    /// Collects what is there, without waiting for it.
    pub(super) async fn fill_ready<S: Stream>(
        &mut self,
        mut stream: Pin<&mut S>,
        encode: fn(S::Item, &mut Vec<u8>) -> Result<()>,
    ) {
        poll_fn(|cx| {
            let max = STREAM_BATCH as usize;
            let _waited_for = self.collect(stream.as_mut(), max, encode, cx);
            Poll::Ready(())
        })
        .await;
    }

    /// Collects up to `max` items; pending if the stream keeps it waiting for one of them.
    fn collect<S: Stream>(
        &mut self,
        mut stream: Pin<&mut S>,
        max: usize,
        encode: fn(S::Item, &mut Vec<u8>) -> Result<()>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.end.is_none() && self.list.len() < max {
            if !self.carried
                && let Err(end) = ready!(self.take(stream.as_mut(), cx, encode))
            {
                self.end = Some(end);
                break;
            }
            self.carried =
                !self.list.is_empty() && self.list.as_bytes().len() + self.item.len() > LIMIT;
            if self.carried {
                break;
            }
            self.list.push_raw(&self.item);
        }
        Poll::Ready(())
    }

    /// Takes one item out of the stream, into `self.item`.
    fn take<S: Stream>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
        encode: fn(S::Item, &mut Vec<u8>) -> Result<()>,
    ) -> Poll<Result<(), End>> {
        let next = ready!(panics::catch(|| Ok(stream.poll_next(cx))).map_or_else(
            |panic| Poll::Ready(Some(Err(panic))),
            |poll| poll.map(|item| item.map(Ok)),
        ));
        let Some(next) = next else {
            return Poll::Ready(Err(End::Over));
        };
        self.item.clear();
        let encoded = next.and_then(|item| panics::catch(|| encode(item, &mut self.item)));
        Poll::Ready(encoded.map_err(End::Failed))
    }

    /// Answers the call that opens the stream, with the items that are there. A stream that is
    /// over already needs no handle.
    pub(super) fn open(&mut self, opening: Opening) -> ControlFlow<(), Requests> {
        if let Some(End::Over) = self.end {
            opening.over(self.list.as_bytes());
            return ControlFlow::Break(());
        }
        let requests = opening.opened(self.list.as_bytes());
        self.list.clear();
        ControlFlow::Continue(requests)
    }

    /// Sends the items. An error waits until those before it are sent.
    pub(super) fn answer(&mut self, done: Done) -> ControlFlow<()> {
        match &self.end {
            None => done.items(self.list.as_bytes(), false),
            Some(End::Over) => {
                done.items(self.list.as_bytes(), true);
                return ControlFlow::Break(());
            }
            Some(End::Failed(error)) if self.list.is_empty() => {
                done.error(error);
                return ControlFlow::Break(());
            }
            Some(End::Failed(_)) => done.items(self.list.as_bytes(), false),
        }
        self.list.clear();
        ControlFlow::Continue(())
    }
}
