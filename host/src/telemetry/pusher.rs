//! The task that carries entries from the feed to the collector.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::collector::Collector;
use crate::log::{self, Feed};

/// Entries of one push.
const BATCH: usize = 50;
/// The pause in which they gather.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Pusher {
    pub(super) feed: Arc<Feed>,
    pub(super) collector: Collector,
    /// Nothing more will come.
    pub(super) closing: CancellationToken,
}

// === impl Pusher ===

impl Pusher {
    pub(super) async fn run(mut self) {
        let closing = self.closing.clone();
        // A push under way is not given up: the collector may have its entries already.
        while closing.run_until_cancelled(self.gather()).await.is_some() {
            self.push().await;
        }
        while self.feed.waiting() > 0 {
            if !self.push().await {
                let left = self.feed.waiting();
                if left > 0 {
                    log::print(&format!(
                        "[telemetry] {left} more entries dropped at the end"
                    ));
                }
                return;
            }
        }
    }

    /// Waits until it is time for a push; without lines, nothing wakes up.
    async fn gather(&self) {
        self.feed.arrived().await;
        sleep(EVERY).await;
    }

    /// Whether it worked. What could not be pushed is gone: the lines are on stderr too.
    async fn push(&mut self) -> bool {
        let entries = self.feed.take(BATCH);
        let count = entries.len();
        match self.collector.push(entries).await {
            Ok(()) => true,
            Err(error) => {
                log::print(&format!(
                    "[telemetry] PushLogs failed, {count} entries dropped: {error}"
                ));
                false
            }
        }
    }
}
