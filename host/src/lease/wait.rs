//! How long is waited for what.

use std::time::Duration;

/// For a session to open.
pub(super) const OPENING: Duration = Duration::from_secs(30);
/// For a hook to end, beyond its own timeout.
pub(super) const OVERDUE: Duration = Duration::from_secs(30);
/// For a killed hook to be gone: longer than it is given between the two signals.
pub(super) const KILLED: Duration = Duration::from_secs(15);
/// For clients to see the final status.
pub(super) const SETTLE: Duration = Duration::from_secs(1);
/// The same for a failure after which the exporter goes.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);
/// For the controller to take a lease back, if the exporter stops or the lease is over anyway.
pub(super) const RELEASE: Duration = Duration::from_secs(10);
