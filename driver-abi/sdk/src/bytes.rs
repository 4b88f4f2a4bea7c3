//! Byte streams: one end of a pair of sockets for the driver, the other for the host.
//!
//! The host gets its end when the driver first uses its own: a driver opens its device before that,
//! and if it fails, the caller of `connect` gets the error. A driver that has said nothing after
//! [`SETTLED`] is waiting for its device and counts as connected, too.

mod ending;
mod message;
mod stream;
mod talk;
mod used;

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::entry::{Done, Instance};
use crate::job::BytesJob;
use crate::sockets::checked;
use crate::{Result, panics, time};

pub(crate) use ending::{Unasked, ask, close, offer};
pub use message::{MessageReader, MessageStream, MessageWriter};
pub use stream::{ByteReader, ByteStream, ByteWriter};
pub use talk::Talk;
pub(crate) use talk::Talking;

use ending::Ending;

/// See the module.
const SETTLED: Duration = Duration::from_secs(1);

/// The call that opens a byte stream.
pub(crate) struct Connecting {
    pub(crate) id: u64,
    pub(crate) method: String,
    pub(crate) instance: Arc<Instance>,
    pub(crate) done: Done,
    pub(crate) timeout: Option<Duration>,
}

// === impl Connecting ===

impl Connecting {
    /// Runs the method, until the byte stream ends.
    pub(crate) async fn run(self, job: BytesJob) {
        match job {
            BytesJob::Pair(method) => self.run_pair(method).await,
            BytesJob::Socket(method) => {
                let socket = time::within(self.timeout, panics::caught(method)).await;
                self.answer(socket.and_then(checked));
            }
            BytesJob::BlockingSocket(method) => {
                let (answer, answered) = tokio::sync::oneshot::channel();
                self.instance.scope().spawn_blocking(move || {
                    // Nobody hears it if the call was given up; the socket is closed then.
                    drop(answer.send(panics::catch(method)));
                });
                let socket = time::within(self.timeout, async { answered.await? }).await;
                self.answer(socket.and_then(checked));
            }
        }
    }

    async fn run_pair(self, start: Box<dyn FnOnce() -> Result<Talking> + Send>) {
        let Talking {
            work,
            theirs,
            first_use,
        } = match panics::catch(start) {
            Ok(talking) => talking,
            Err(error) => return self.answer(Err(error)),
        };
        // Dropped after the work: what a method leaves behind is in order when its end is told.
        let ending;
        let mut work = Box::pin(panics::caught(work));
        let settled = async {
            let mut used = pin!(first_use.wait());
            let mut patience = pin!(tokio::time::sleep(SETTLED));
            // What ends first: the work, its first use of the stream, or our patience.
            poll_fn(|cx| {
                let outcome = work.as_mut().poll(cx);
                if used.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Ok(outcome));
                }
                match outcome {
                    Poll::Ready(Ok(())) => Poll::Ready(Ok(outcome)),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => patience.as_mut().poll(cx).map(|()| Ok(Poll::Pending)),
                }
            })
            .await
        };
        let outcome = match time::within(self.timeout, settled).await {
            Ok(outcome) => outcome,
            Err(error) => return self.answer(Err(error)),
        };
        ending = Ending::new(Arc::clone(&self.instance), &self.method);
        self.instance.calls().finished(self.id);
        self.done.socket(theirs, ending.handle());
        let outcome = match outcome {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => ending.until_closed(work.as_mut()).await,
        };
        let dropped = panics::catch(|| {
            drop(work);
            Ok(())
        });
        ending.end(outcome.and(dropped));
    }

    fn answer(self, socket: Result<OwnedFd>) {
        self.instance.calls().finished(self.id);
        match socket {
            // The driver is through with it.
            Ok(socket) => self.done.socket(socket, 0),
            Err(error) => self.done.error(&error),
        }
    }
}
