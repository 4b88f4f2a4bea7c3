//! Iterators of plain `fn`s, on a thread of their own.
//!
//! The thread runs a little ahead of the host, so that an item goes out as soon as it is there, and
//! waits when the host does not ask.

use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::job::{Outcome, encode_item};
use crate::{Result, panics};

/// How many items the thread may be ahead.
const AHEAD: usize = 16;

/// Where the items of an iterator go.
#[derive(Debug)]
pub struct Items {
    opened: oneshot::Sender<Result<()>>,
    values: mpsc::Sender<Result<Vec<u8>>>,
}

/// Both ends of what connects thread and task: whether the method succeeded, then its items.
pub(super) fn channel() -> (
    Items,
    oneshot::Receiver<Result<()>>,
    impl Stream<Item = Result<Vec<u8>>>,
) {
    let (opened, was_opened) = oneshot::channel();
    let (values, mut received) = mpsc::channel(AHEAD);
    let stream = futures_util::stream::poll_fn(move |cx| received.poll_recv(cx));
    (Items { opened, values }, was_opened, stream)
}

/// Appends an item that is encoded already.
pub(crate) fn append(item: Result<Vec<u8>>, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&item?);
    Ok(())
}

// === impl Items ===

impl Items {
    /// Calls the method and passes its items on, until they end or nobody wants them any more.
    pub fn run<I>(self, open: impl FnOnce() -> Result<I>)
    where
        I: IntoIterator<Item: Outcome<Value: Serialize>>,
    {
        let Self { opened, values } = self;
        let items = match panics::catch(open) {
            Ok(items) => items,
            // If nobody hears this the stream was closed meanwhile.
            Err(error) => return drop(opened.send(Err(error))),
        };
        if opened.send(Ok(())).is_err() {
            return;
        }
        let outcome = panics::catch(|| {
            for item in items {
                let mut value = Vec::new();
                encode_item(item, &mut value)?;
                if values.blocking_send(Ok(value)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        if let Err(error) = outcome {
            drop(values.blocking_send(Err(error)));
        }
    }
}
