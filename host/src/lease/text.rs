//! What the exporter says about itself. Programs look for some of these sentences.

use super::When;

/// First word after the registration.
pub(super) const REGISTERED: &str = "Exporter registered and available";
/// The client may call drivers.
pub(super) const READY: &str = "Ready for commands";
/// The lease is over.
pub(super) const AVAILABLE: &str = "Available for new lease";
/// The lease is over because the exporter said so.
pub(super) const RELEASED: &str = "Exporter available after lease release";
/// The hook before the lease runs.
pub(super) const RUNNING_BEFORE: &str = "Running beforeLease hook";
/// The hook after the lease runs; the plural is what clients know.
pub(super) const RUNNING_AFTER: &str = "Running afterLease hooks";
/// The last word; whoever performs [`Offline`](super::Action::Offline) says it.
pub(super) const OFFLINE: &str = "Exporter shutting down";
/// The session did not open in time.
pub(super) const TOO_LATE: &str = "Timeout waiting for lease scope to be ready";
/// A hook that had to be killed though nobody stops the exporter.
pub(super) const OVERDUE: &str = "the hook did not end by its own timeout and was killed";
/// A hook that could not even be killed.
pub(super) const STUCK: &str = "the hook was killed and is still not gone; it is left behind";

pub(super) fn unopened(reason: &str) -> String {
    format!("Session could not be opened: {reason}")
}

/// Clients print what follows the first word as a warning.
pub(super) fn warning(when: When, message: &str) -> String {
    format!("[HOOK_WARNING] {} hook warning: {message}", when.name())
}

pub(super) fn failed_end_lease(when: When, message: &str) -> String {
    format!(
        "{} hook failed (on_failure=endLease): {message}",
        when.name()
    )
}

pub(super) fn failed_exit(when: When, message: &str) -> String {
    format!(
        "{} hook failed (on_failure=exit, shutting down): {message}",
        when.name()
    )
}

pub(super) fn failed(when: When, message: &str) -> String {
    format!("{} hook failed: {message}", when.name())
}

pub(super) fn shutting_down(when: When) -> String {
    format!("Exporter shutting down due to {} hook failure", when.name())
}
