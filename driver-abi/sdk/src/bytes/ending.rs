//! How byte streams end, for a host that asks (`jmp.bytes/1`).
//!
//! ```text
//!   connect ─► method ─────────────────────► its result ─┐
//!         └──► handle ─► outcome(handle): asked early ───┴─► answer
//!                        close(handle): drops the method
//! ```
//!
//! A host asks once and right away, so an end that nobody has asked for is kept for a while only. One
//! that does not know how to ask finds errors in its log.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::entry::{Done, Instance, Table, Verdict};
use crate::{Error, Result, log};

/// How many streams of a driver may have ended without anybody having asked how.
const UNASKED: usize = 64;

/// The open byte streams, and those that have ended and were not asked about.
static STREAMS: Table<Open> = Table::new();

/// Whether the host knows how to ask.
static OFFERED: AtomicBool = AtomicBool::new(false);

/// A stream as the host sees it.
#[derive(Clone, Debug)]
struct Open {
    verdict: Verdict,
    closed: CancellationToken,
    instance: Arc<Instance>,
    method: Arc<str>,
}

/// A stream as its method sees it. Dropping it ends the stream.
#[derive(Debug)]
pub(super) struct Ending {
    /// 0 if the host does not know how to ask.
    handle: u64,
    open: Open,
    ended: bool,
}

/// The streams of a driver that have ended and were not asked about.
#[derive(Debug, Default)]
pub(crate) struct Unasked(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    streams: VecDeque<u64>,
    /// The driver is closed: nothing is kept any more.
    closed: bool,
}

/// The host has got to know how to ask.
pub(crate) fn offer() {
    OFFERED.store(true, Ordering::Relaxed);
}

/// Answers how a stream ended, when it has.
pub(crate) fn ask(stream: u64, done: Done) {
    match STREAMS.get(stream) {
        Some(open) => {
            if open.verdict.ask(done) {
                drop(STREAMS.remove(stream));
                open.instance.unasked().remove(stream);
            }
        }
        None => done.error(&Error::unavailable("there is no such byte stream")),
    }
}

/// Gives the method of a stream up.
pub(crate) fn close(stream: u64) {
    if let Some(open) = STREAMS.get(stream) {
        open.closed.cancel();
    }
}

// === impl Ending ===

impl Ending {
    pub(super) fn new(instance: Arc<Instance>, method: &str) -> Self {
        let open = Open {
            verdict: Verdict::default(),
            closed: CancellationToken::new(),
            instance,
            method: method.into(),
        };
        let handle = match OFFERED.load(Ordering::Relaxed) {
            true => STREAMS.insert(open.clone()),
            false => 0,
        };
        Self {
            handle,
            open,
            ended: false,
        }
    }

    pub(super) fn handle(&self) -> u64 {
        self.handle
    }

    /// Awaits the method, unless the host gives it up.
    pub(super) async fn until_closed(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let result = self.open.closed.run_until_cancelled(work).await;
        result.unwrap_or_else(|| Err(Error::cancelled("the byte stream was given up")))
    }

    /// The method is over.
    pub(super) fn end(mut self, result: Result<()>) {
        self.tell(result);
    }

    fn tell(&mut self, result: Result<()>) {
        self.ended = true;
        if self.handle == 0 {
            return self.open.warn(result);
        }
        // Noted first: whoever asks meanwhile takes it off the list again.
        let unasked = self.open.instance.unasked();
        unasked.push(self.handle);
        if self.open.verdict.end(result) {
            unasked.remove(self.handle);
            drop(STREAMS.remove(self.handle));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.ended {
            let reason = match std::thread::panicking() {
                true => Error::internal("the driver panicked"),
                false => Error::cancelled("the driver is closed"),
            };
            self.tell(Err(reason));
        }
    }
}

// === impl Open ===

impl Open {
    fn warn(&self, result: Result<()>) {
        if let Err(error) = result {
            let text = format!("{}(): the byte stream ended: {error}", self.method);
            let node = self.instance.scope().node;
            log::write(node, tracing::Level::WARN, module_path!(), &text);
        }
    }
}

// === impl Unasked ===

impl Unasked {
    /// Forgets all of them, and those that are still to come.
    pub(crate) fn close(&self) {
        let streams = {
            let mut kept = self.lock();
            kept.closed = true;
            std::mem::take(&mut kept.streams)
        };
        streams.into_iter().for_each(forget);
    }

    fn push(&self, stream: u64) {
        let surplus = {
            let mut kept = self.lock();
            kept.streams.push_back(stream);
            let full = kept.closed || kept.streams.len() > UNASKED;
            if full { kept.streams.pop_front() } else { None }
        };
        surplus.into_iter().for_each(forget);
    }

    fn remove(&self, stream: u64) {
        self.lock().streams.retain(|other| *other != stream);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No foreign code runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody will ask about this stream any more.
fn forget(stream: u64) {
    if let Some(open) = STREAMS.remove(stream)
        && let Some(result) = open.verdict.untold()
    {
        open.warn(result);
    }
}
