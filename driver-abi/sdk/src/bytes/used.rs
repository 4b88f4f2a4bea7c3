//! News of the first use of a stream by its driver.

use std::sync::Arc;

use tokio::sync::Notify;

/// Held by the stream, or by both of its halves.
#[derive(Clone, Debug, Default)]
pub(super) struct Used(Option<Arc<Notify>>);

/// Held by whoever waits for the first use.
#[derive(Debug)]
pub(super) struct FirstUse(Arc<Notify>);

/// Both sides.
pub(super) fn watch() -> (Used, FirstUse) {
    let notify = Arc::new(Notify::new());
    (Used(Some(Arc::clone(&notify))), FirstUse(notify))
}

// === impl Used ===

impl Used {
    /// To be called with every use; all but the first cost nothing.
    pub(super) fn now(&mut self) {
        if let Some(notify) = self.0.take() {
            notify.notify_one();
        }
    }
}

// === impl FirstUse ===

impl FirstUse {
    /// Waits for it; for ever if the stream is dropped unused.
    pub(super) async fn wait(&self) {
        self.0.notified().await;
    }
}
