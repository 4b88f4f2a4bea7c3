//! A byte stream of a driver: its socket, and what the driver says about its end.
//!
//! The socket cannot say why it ended: a driver that failed closes it just as one that is done. A
//! plugin with the extension `jmp.bytes/1` is therefore asked for the outcome of every stream, once,
//! when the stream begins:
//!
//! ```text
//!   connect ─► socket + number ─► outcome(number) ...................... ─► Ok, or why not
//!                                        the client is gone: socket closed,
//!                                        2 s without an outcome ─► close(number)
//! ```

use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use jumpstarter_completion::{Pending, begin};
use jumpstarter_driver_abi::ext::BytesExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::ask::refuse;
use super::driver::Driver;
use super::error::CallError;

/// How long a driver has to notice by itself that its client is gone.
const NOTICE: Duration = Duration::from_secs(2);

/// An open byte stream.
#[derive(Debug)]
pub struct ByteStream {
    /// Non-blocking: `SOCK_STREAM`, `SOCK_SEQPACKET` or a connected `SOCK_DGRAM`.
    pub socket: OwnedFd,
    /// What becomes of it, if the driver tells.
    pub outcome: Option<Outcome>,
}

/// Resolves when the driver is through with a byte stream, with an error if it failed.
///
/// Dropping it means that the client is gone. Close the socket first: the driver is given time to
/// notice, and then told.
#[derive(Debug)]
#[must_use = "dropping it ends the stream"]
pub struct Outcome {
    stream: u64,
    table: BytesExt,
    driver: Arc<Driver>,
    pending: Option<Pending>,
}

// === impl Outcome ===

impl Outcome {
    /// Asks about the stream that `connect` has answered with, if there is anything to ask.
    pub(super) fn ask(driver: &Arc<Driver>, stream: u64) -> Option<Self> {
        let table = *driver.library.bytes()?;
        if stream == 0 {
            return None;
        }
        let (pending, completion) = begin();
        let closed = driver.closed();
        driver.tell_or(
            move |_, _| {
                // SAFETY: the plugin has just opened this stream, and is asked this once.
                unsafe { (table.outcome)(stream, completion) }
            },
            move || refuse(completion, &closed),
        );
        Some(Self {
            stream,
            table,
            driver: Arc::clone(driver),
            pending: Some(pending),
        })
    }

    /// The socket has gone to somebody else, who will see its end: nobody waits for the outcome.
    pub(super) fn forget(mut self) {
        if let (Some(pending), Ok(runtime)) = (self.pending.take(), Handle::try_current()) {
            let (fence, name) = (self.driver.stop(), self.driver.name.clone());
            // Ends with the driver.
            runtime.spawn(async move {
                let answer = fence.run_until_cancelled(pending).await;
                if let Some(Err(error)) = answer.map(CallError::check) {
                    tracing::debug!(driver = name, %error, "a byte stream failed");
                }
            });
        }
    }
}

impl Future for Outcome {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(pending) = self.pending.as_mut() else {
            return Poll::Ready(Ok(()));
        };
        let answer = std::task::ready!(Pin::new(pending).poll(cx));
        self.pending = None;
        Poll::Ready(CallError::check(answer).map(drop))
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (stream, table) = (self.stream, self.table);
        let (stop, driver) = (self.driver.stop(), Arc::downgrade(&self.driver));
        // Ends with the driver.
        runtime.spawn(async move {
            let watch = async {
                if timeout(NOTICE, &mut pending).await.is_err() {
                    end(&driver, stream, table);
                    // Keeps the slot of an answer that may still come.
                    drop(pending.await);
                }
            };
            stop.run_until_cancelled(watch).await;
        });
    }
}

fn end(driver: &Weak<Driver>, stream: u64, table: BytesExt) {
    if let Some(driver) = driver.upgrade() {
        tracing::debug!(
            driver = driver.name,
            "a byte stream does not end by itself, its driver is told to"
        );
        driver.tell(move |_, _| {
            // SAFETY: the stream came from this plugin and has had no outcome when this was
            // decided; a plugin takes the number of a stream that ended meanwhile.
            unsafe { (table.close)(stream) }
        });
    }
}
