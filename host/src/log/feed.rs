//! Lines on their way to a collector: the third reader, beside the console and the clients.
//!
//! ```text
//!   line ─► Outlet: level, one atomic ─► Feed, 10,000 entries ─► telemetry, 50 at a time
//! ```
//!
//! While nobody takes lines, a line costs a look at one atomic. An entry waits encoded, because ten
//! thousand messages with a map each would take several times the memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jumpstarter_proto::v1::LogEntry;
use prost::Message;
use tokio::sync::Notify;
use tracing::Level;

use super::capture::Capture;
use super::wire::{LONGEST, cut, pair, stamp, text};
use super::{context, level};

/// So many entries wait; the oldest makes room for the newest.
const CAPACITY: usize = 10_000;
/// They take no more memory than this, however long they are.
const WEIGHT: usize = 16 * 1024 * 1024;

/// More pairs are left out; the collector would not take them.
const EXTRAS: usize = 16;
const KEY: usize = 64;
const VALUE: usize = 256;
/// What has a place of its own may be longer, and has no need to be this long.
const NAME: usize = 1024;

/// What passes when nothing does.
const CLOSED: u8 = 0;

/// Where the lines that are wanted go, if they go anywhere.
#[derive(Default)]
pub(super) struct Outlet {
    /// The rank of the least important level that passes.
    least: AtomicU8,
    feed: RwLock<Option<Arc<Feed>>>,
}

/// Entries that wait for the telemetry.
#[derive(Default)]
pub(crate) struct Feed {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Box<[u8]>>,
    weight: usize,
}

/// The end of the pipe: lines come as long as this lives.
pub(crate) struct Tap {
    outlet: Option<&'static Outlet>,
    feed: Arc<Feed>,
}

/// Somebody else takes the lines already.
#[derive(Debug)]
pub(crate) struct Taken;

// === impl Outlet ===

impl Outlet {
    /// Takes a line if it is wanted. `scratch` is used and left with anything in it.
    pub(super) fn take(
        &self,
        capture: &Capture,
        context: &context::Context,
        scratch: &mut Vec<u8>,
    ) {
        if rank(capture.level) > self.least.load(Ordering::Relaxed) {
            return;
        }
        let feed = self.feed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feed.as_ref() {
            encode(capture, context.read().fields(), scratch);
            feed.push(scratch.as_slice().into());
        }
    }
}

fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

// === impl Feed ===

impl Feed {
    /// Resolves when there is something to take.
    pub(crate) async fn arrived(&self) {
        loop {
            let arrived = self.arrived.notified();
            if self.waiting() > 0 {
                return;
            }
            arrived.await;
        }
    }

    /// Takes the oldest entries, no more than `most` and no more than fit into one message.
    pub(crate) fn take(&self, most: usize) -> Vec<LogEntry> {
        let mut waiting = self.lock();
        let most = most.min(waiting.entries.len());
        let taken: Vec<_> = waiting.entries.drain(..most).collect();
        waiting.weight -= taken.iter().map(|entry| entry.len()).sum::<usize>();
        drop(waiting);
        let entries = taken.iter();
        // We encoded them ourselves, so they decode; if not, an empty one is better than a panic.
        entries
            .map(|entry| LogEntry::decode(&**entry).unwrap_or_default())
            .collect()
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().entries.len()
    }

    fn push(&self, entry: Box<[u8]>) {
        let mut waiting = self.lock();
        waiting.weight += entry.len();
        waiting.entries.push_back(entry);
        while waiting.entries.len() > CAPACITY || waiting.weight > WEIGHT {
            let oldest = waiting.entries.pop_front().unwrap_or_default();
            waiting.weight -= oldest.len();
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every push and take leaves it whole; a panic in between could only be out of memory.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Tap ===

impl Tap {
    pub(super) fn open(
        outlet: Option<&'static Outlet>,
        least: Option<Level>,
    ) -> Result<Self, Taken> {
        let feed = Arc::new(Feed::default());
        if let Some(outlet) = outlet {
            let mut place = outlet.feed.write().unwrap_or_else(PoisonError::into_inner);
            if place.is_some() {
                return Err(Taken);
            }
            *place = Some(Arc::clone(&feed));
            outlet
                .least
                .store(least.map_or(CLOSED, rank), Ordering::Relaxed);
        }
        Ok(Self { outlet, feed })
    }

    /// What has come and was not taken yet.
    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// No more lines; what has come stays.
    pub(crate) fn shut(&mut self) {
        if let Some(outlet) = self.outlet.take() {
            let mut place = outlet.feed.write().unwrap_or_else(PoisonError::into_inner);
            outlet.least.store(CLOSED, Ordering::Relaxed);
            *place = None;
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shut();
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap")
            .field("waiting", &self.feed.waiting())
            .finish_non_exhaustive()
    }
}

/// Replaces what is in `out` by an encoded `LogEntry`. What the line says itself counts more than
/// what lines have in common.
fn encode(capture: &Capture, context: &[(String, String)], out: &mut Vec<u8>) {
    out.clear();
    stamp(out, 1, capture.stamp);
    text(out, 2, level::lower(capture.level));
    text(out, 3, cut(capture.message(), LONGEST));
    text(out, 4, "exporter");
    let said = capture.fields().map(|(name, value, _)| (name, value));
    let shared = context.iter();
    let shared = shared
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| capture.fields().all(|(other, ..)| other != *name));
    let mut extras = 0;
    for (name, value) in said.chain(shared) {
        match place(name) {
            Some(field) => text(out, field, cut(value, NAME)),
            None if extras < EXTRAS => {
                extras += 1;
                pair(out, 11, cut(name, KEY), cut(value, VALUE));
            }
            None => {}
        }
    }
}

/// The field that a name has in `LogEntry`.
fn place(name: &str) -> Option<u64> {
    Some(match name {
        "exporter" => 5,
        "lease_id" => 6,
        "client" => 7,
        "operation" => 8,
        "result" => 9,
        "driver_type" => 10,
        _ => return None,
    })
}
