//! Streams of values: from a method's stream to the batches that the host asks for.
//!
//! One task owns the stream and waits for requests, so a host that asks for nothing stops the
//! driver, and no request has to look for the stream's state.
//!
//! ```text
//!   stream_open ─► task: open the stream, items that are ready ─► handle + first items
//!   stream_next ─► request ──► first item (waits) + those that are ready ──► reply
//!   stream_close, close ─► the task is dropped, and the stream with it
//! ```

mod batch;
mod items;
mod open;

use std::ops::ControlFlow;
use std::pin::pin;

use futures_util::Stream;
use serde::Serialize;

use crate::job::{Outcome, encode_item};
use crate::{Result, panics};

pub use items::Items;
pub(crate) use items::append;
pub(crate) use open::{Opening, STREAMS, closed};

use open::Next;

use batch::Batch;

/// Where the stream of a method goes.
pub struct Feed {
    opening: Opening,
}

// === impl Feed ===

impl Feed {
    pub(crate) fn new(opening: Opening) -> Self {
        Self { opening }
    }

    /// Opens the stream and passes on what it brings, as it is asked for.
    pub async fn run<S>(self, open: impl Future<Output = Result<S>>)
    where
        S: Stream<Item: Outcome<Value: Serialize>>,
    {
        self.run_with(open, encode_item).await;
    }

    /// The same for a method that blocks its thread.
    pub(crate) async fn run_blocking(self, method: impl FnOnce(Items) + Send + 'static) {
        let (items, opened, values) = items::channel();
        self.opening.scope().spawn_blocking(move || method(items));
        let open = async move {
            opened.await??;
            Ok(values)
        };
        self.run_with(open, append).await;
    }

    /// The same with items that `encode` appends to a buffer as encoded values.
    pub(crate) async fn run_with<S: Stream>(
        self,
        open: impl Future<Output = Result<S>>,
        encode: fn(S::Item, &mut Vec<u8>) -> Result<()>,
    ) {
        let opening = self.opening;
        let stream = match opening.until_deadline(panics::caught(open)).await {
            Ok(stream) => stream,
            Err(error) => return opening.refuse(&error),
        };
        let mut stream = pin!(stream);
        let mut batch = Batch::default();
        batch.fill_ready(stream.as_mut(), encode).await;
        let mut requests = match batch.open(opening) {
            ControlFlow::Continue(requests) => requests,
            ControlFlow::Break(()) => return,
        };
        while let Some(Next { max, done }) = requests.recv().await {
            batch.fill(stream.as_mut(), max, encode).await;
            if batch.answer(done).is_break() {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}
