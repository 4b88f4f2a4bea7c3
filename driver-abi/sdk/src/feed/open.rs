//! A stream while it is being opened, and the list of those that are open.

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_driver_abi::STREAM_BATCH;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::entry::{Done, Instance, Table};
use crate::scope::Scope;
use crate::{Error, Result, time};

/// The open streams.
pub(crate) static STREAMS: Table<OpenStream> = Table::new();

/// How to reach the task of an open stream.
#[derive(Clone, Debug)]
pub(crate) struct OpenStream {
    requests: mpsc::Sender<Next>,
    closed: CancellationToken,
}

/// The host wants items.
#[derive(Debug)]
pub(crate) struct Next {
    /// At most so many.
    pub(crate) max: usize,
    pub(crate) done: Done,
}

/// The call that opens a stream.
pub(crate) struct Opening {
    pub(crate) id: u64,
    pub(crate) instance: Arc<Instance>,
    pub(crate) done: Done,
    pub(crate) timeout: Option<Duration>,
    /// Ends the task.
    pub(crate) closed: CancellationToken,
}

/// The requests of an open stream, as its task sees them. The handle is valid for as long as this.
pub(super) struct Requests {
    handle: u64,
    queue: mpsc::Receiver<Next>,
}

// === impl Opening ===

impl Opening {
    pub(super) fn scope(&self) -> &Scope {
        self.instance.scope()
    }

    pub(super) async fn until_deadline<T>(
        &self,
        open: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        time::within(self.timeout, open).await
    }

    pub(super) fn refuse(self, error: &Error) {
        self.instance.calls().finished(self.id);
        self.done.error(error);
    }

    /// The stream is over, and these are its items.
    pub(super) fn over(self, items: &[u8]) {
        self.instance.calls().finished(self.id);
        self.done.items(items, true);
    }

    /// The stream is there, with its first items: from now on it is asked by its handle.
    pub(super) fn opened(self, items: &[u8]) -> Requests {
        self.instance.calls().finished(self.id);
        let (requests, queue) = mpsc::channel(1);
        let handle = STREAMS.insert(OpenStream {
            requests,
            closed: self.closed,
        });
        self.done.handle(handle, items);
        Requests { handle, queue }
    }
}

// === impl OpenStream ===

impl OpenStream {
    /// Asks for items.
    pub(crate) fn next(&self, max: u32, done: Done) {
        let max = max.clamp(1, STREAM_BATCH) as usize;
        match self.requests.try_send(Next { max, done }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(next)) => {
                next.done.error(&Error::failed_precondition(
                    "the stream was asked again before it answered",
                ));
            }
            Err(mpsc::error::TrySendError::Closed(next)) => next.done.error(&closed()),
        }
    }

    /// Lets go of the stream.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }
}

/// The error for a stream that is not there.
pub(crate) fn closed() -> Error {
    Error::unavailable("the stream is closed")
}

// === impl Requests ===

impl Requests {
    pub(super) async fn recv(&mut self) -> Option<Next> {
        self.queue.recv().await
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        drop(STREAMS.remove(self.handle));
    }
}
