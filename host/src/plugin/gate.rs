//! Keeps count of who is inside a driver, so that `close` is its last call.
//!
//! ```text
//!   enter ──► count + 1 ──► the plugin's function runs ──► count - 1
//!   shut  ──► no more entries ──► emptied().await ──► close
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

const SHUT: usize = 1 << (usize::BITS - 1);

/// One counter, whose highest bit says that nobody may enter any more.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: AtomicUsize,
    emptied: Notify,
}

/// Somebody is inside, until this is dropped.
#[derive(Debug)]
pub(super) struct Inside<'g>(&'g Gate);

// === impl Gate ===

impl Gate {
    /// Goes in, unless the gate is shut.
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        let inside = Inside(self);
        let before = self.state.fetch_add(1, Ordering::SeqCst);
        // When it is shut, dropping `inside` takes the step back.
        (before & SHUT == 0).then_some(inside)
    }

    /// Lets nobody in any more. True for the first who shuts it.
    pub(super) fn shut(&self) -> bool {
        self.state.fetch_or(SHUT, Ordering::SeqCst) & SHUT == 0
    }

    /// Waits until everybody is out of a gate that is shut.
    pub(super) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.state.load(Ordering::SeqCst) == SHUT {
                return;
            }
            notified.await;
        }
    }
}

// === impl Inside ===

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::SeqCst) == SHUT + 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_enters_a_shut_gate() {
        let gate = Gate::default();
        drop(gate.enter().unwrap());
        assert!(gate.shut());
        assert!(gate.enter().is_none());
        assert!(!gate.shut(), "only the first shuts it");
    }

    #[tokio::test]
    async fn it_is_empty_when_the_last_one_is_out() {
        let gate = Arc::new(Gate::default());
        let inside = gate.enter().unwrap();
        gate.shut();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.emptied().await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        drop(inside);
        tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .unwrap()
            .unwrap();
    }
}
