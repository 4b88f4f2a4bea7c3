//! A clock that moves when a test says so, and never by itself.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, advance, pause};

/// The stopped clock of this thread's runtime.
///
/// A paused clock of tokio jumps to the next timer whenever there is nothing to do, also while an
/// answer is on its way through a socket. It does not while a blocking task runs.
pub struct Clock {
    start: Instant,
    _running: SyncSender<()>,
}

// === impl Clock ===

impl Clock {
    pub fn stop() -> Self {
        pause();
        let (running, ended) = sync_channel(0);
        spawn_blocking(move || ended.recv().ok());
        Self {
            start: Instant::now(),
            _running: running,
        }
    }

    /// Moves on by so many seconds, and the millisecond to which timers are rounded up.
    pub async fn forward(&self, seconds: u64) {
        advance(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
    }

    /// Moves to half a millisecond before the time.
    pub async fn almost(&self, seconds: u64) {
        advance(Duration::from_secs(seconds) - Duration::from_micros(500)).await;
    }

    /// Seconds since it was stopped.
    pub fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }
}
