//! The items of one reply.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use jumpstarter_value::ListWriter;

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
        poll_fn(|cx| {
            while self.end.is_none() && self.list.len() < max {
                if !self.carried {
                    let ready = match self.take(stream.as_mut(), cx, encode) {
                        Poll::Ready(result) => result,
                        Poll::Pending if self.list.is_empty() => return Poll::Pending,
                        Poll::Pending => return Poll::Ready(()),
                    };
                    if let Err(end) = ready {
                        self.end = Some(end);
                        break;
                    }
                }
                self.carried =
                    !self.list.is_empty() && self.list.as_bytes().len() + self.item.len() > LIMIT;
                if self.carried {
                    break;
                }
                self.list.push_raw(&self.item);
            }
            Poll::Ready(())
        })
        .await;
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
