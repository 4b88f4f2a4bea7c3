//! The lines a session keeps for its clients.
//!
//! A ring of 256: the oldest line makes room for the newest. Reading takes a line out, so of two
//! readers each gets a part, and lines from before the first reader are not lost.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jumpstarter_proto::v1::LogStreamResponse;
use prost::Message;
use tokio::sync::Notify;

use super::capture::Capture;
use super::entry;

const CAPACITY: usize = 256;
/// A buffer that grew beyond this is not kept.
const KEEP: usize = 4096;

/// The waiting lines of one session.
#[derive(Default)]
pub struct Queue {
    lines: Mutex<VecDeque<Vec<u8>>>,
    arrived: Notify,
}

/// The queues of all open sessions.
#[derive(Default)]
pub(super) struct Queues {
    open: RwLock<Vec<Arc<Queue>>>,
}

/// A session's queue, which gets every line for as long as this lives.
pub struct Attachment {
    queues: Option<&'static Queues>,
    queue: Arc<Queue>,
}

// === impl Queue ===

impl Queue {
    /// Waits for the oldest line and takes it.
    pub async fn next(&self) -> LogStreamResponse {
        loop {
            // Taken before looking, so that a line that comes in between is noticed.
            let arrived = self.arrived.notified();
            if let Some(line) = self.try_next() {
                return line;
            }
            arrived.await;
        }
    }

    /// Takes the oldest line, if there is one.
    pub fn try_next(&self) -> Option<LogStreamResponse> {
        let line = self.lines().pop_front()?;
        // We encoded it ourselves, so it decodes; if not, an empty line is better than a panic.
        Some(LogStreamResponse::decode(line.as_slice()).unwrap_or_default())
    }

    /// Adds an entry and leaves another buffer in its place.
    fn push(&self, entry: &mut Vec<u8>) {
        let mut lines = self.lines();
        let mut reuse = if lines.len() < CAPACITY {
            Vec::with_capacity(KEEP / 16)
        } else {
            lines.pop_front().unwrap_or_default()
        };
        std::mem::swap(entry, &mut reuse);
        lines.push_back(reuse);
        drop(lines);
        self.arrived.notify_one();
        if entry.capacity() > KEEP {
            *entry = Vec::with_capacity(KEEP / 16);
        }
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.lines().len())
            .finish()
    }
}

// === impl Queues ===

impl Queues {
    pub(super) fn push(&self, capture: &Capture, scratch: &mut Vec<u8>) {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, others)) = open.split_last() {
            entry::encode(capture, scratch);
            for queue in others {
                queue.push(&mut scratch.clone());
            }
            last.push(scratch);
        }
    }
}

// === impl Attachment ===

impl Attachment {
    pub(super) fn new(queues: Option<&'static Queues>) -> Self {
        let queue = Arc::new(Queue::default());
        if let Some(queues) = queues {
            queues
                .open
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Arc::clone(&queue));
        }
        Self { queues, queue }
    }
}

impl Deref for Attachment {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let Some(queues) = self.queues {
            queues
                .open
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.fmt(f)
    }
}
