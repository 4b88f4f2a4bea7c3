//! Says in the log what a hook prints.
//!
//! Writing a log line waits when stderr is slow, and a hook may print far more than anybody can
//! read. So a thread does it: with a bounded queue in front of it, it is the hook that waits in the
//! end, because its terminal is full.

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::dispatcher;

use super::lines::Lines;

/// How many chunks of a terminal may wait.
const WAITING: usize = 16;

/// The thread.
#[derive(Debug)]
pub(super) struct Voice(JoinHandle<()>);

// === impl Voice ===

impl Voice {
    /// It says what comes through the queue, and ends when that has been closed.
    pub(super) fn start(logger: &'static str) -> (mpsc::Sender<Vec<u8>>, Self) {
        let (chunks, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING);
        let speak = move || {
            let mut lines = Lines::default();
            let line = |line: &str| tracing::info!(target: "hook", logger, "{line}");
            while let Some(chunk) = waiting.blocking_recv() {
                lines.push(&chunk, line);
            }
            lines.finish(line);
        };
        let log = dispatcher::get_default(Clone::clone);
        let thread = spawn_blocking(move || dispatcher::with_default(&log, speak));
        (chunks, Self(thread))
    }

    /// Returns when everything has been said.
    pub(super) async fn finish(self) {
        if let Err(error) = self.0.await {
            tracing::warn!("the rest of what the hook printed is lost: {error}");
        }
    }
}
