//! A release that the controller was never told of, because it was away for longer than anybody
//! would wait.
//!
//! When it is back it still shows the lease, which is over for us, and gives the exporter no other
//! one until the lease's time is up. So it is told then.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last lease whose release was given up.
#[derive(Debug, Default)]
pub(super) struct Lost(Mutex<Option<Release>>);

#[derive(Debug)]
struct Release {
    lease: String,
    /// The controller has been back since.
    due: bool,
}

// === impl Lost ===

impl Lost {
    /// The release of `lease` was given up.
    pub(super) fn keep(&self, lease: &str) {
        *self.lock() = Some(Release {
            lease: lease.to_owned(),
            due: false,
        });
    }

    /// The controller is back.
    pub(super) fn remind(&self) {
        if let Some(release) = &mut *self.lock() {
            release.due = true;
        }
    }

    /// The lease to release now; it is not kept any more.
    pub(super) fn take_due(&self) -> Option<String> {
        let release = self.lock().take_if(|release| release.due)?;
        Some(release.lease)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Release>> {
        // It is replaced whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_due_once_when_the_controller_is_back() {
        let lost = Lost::default();
        lost.remind();
        assert_eq!(lost.take_due(), None);
        lost.keep("a");
        assert_eq!(lost.take_due(), None);
        lost.remind();
        assert_eq!(lost.take_due().as_deref(), Some("a"));
        lost.remind();
        assert_eq!(lost.take_due(), None);
    }
}
