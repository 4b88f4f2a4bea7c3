//! The end of streams that the router decides on: a lease is over, or the program stops.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Ends streams at any time, with a reason. Clones end the same streams.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    now: CancellationToken,
    why: Arc<OnceLock<&'static str>>,
}

// === impl Cut ===

impl Cut {
    /// Ends the streams. Only the first reason counts.
    pub fn end(&self, why: &'static str) {
        self.why.get_or_init(|| why);
        self.now.cancel();
    }

    pub(super) fn ended(&self) -> WaitForCancellationFutureOwned {
        self.now.clone().cancelled_owned()
    }

    /// The reason, once the streams have ended.
    pub(super) fn why(&self) -> &'static str {
        self.why.get().copied().unwrap_or_default()
    }
}
