//! What can happen to an exporter.

use std::fmt;

/// Which lease of this process something belongs to.
///
/// Numbers are never used twice, so what an old lease still has to say is told apart, also when
/// the controller gives two leases the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub(super) u64);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The exporter is registered, or, without a controller, its process is set up.
    Start,
    /// The journal has an entry from a process that died. Comes before [`Event::Start`].
    Recovered {
        /// The lease that was open.
        lease: String,
        /// Whose it was.
        client: String,
        /// Whether its afterLease hook had been started, and must not be started again.
        after_started: bool,
    },
    /// What the controller shows now, repeated or not.
    Status {
        /// Whether the exporter is leased.
        leased: bool,
        /// Under which name.
        lease: String,
        /// To whom; may be empty.
        client: String,
    },
    /// The session serves: drivers are open, sockets accept, the controller knows we listen.
    SessionReady(LeaseId),
    /// The session could not be opened, and why.
    SessionFailed(LeaseId, String),
    /// A hook is over, its processes are gone.
    HookEnded(LeaseId, When, Ended),
    /// A client asked to end the session.
    EndSession(LeaseId),
    /// Nobody is left who has not seen the final status. Counts only after
    /// [`Timer::Settle`](Timer::Settle) was asked for.
    Seen(LeaseId),
    /// The time asked for with [`Action::Wait`](super::Action::Wait) is over.
    Timeout(LeaseId, Timer),
    /// The controller was told that the lease is over, or could not be told.
    Released(LeaseId),
    /// The session is closed, or what there was of it.
    Closed(LeaseId),
    /// The exporter is to stop.
    Stop {
        /// How soon.
        how: Stopping,
        /// What the process exits with.
        code: u8,
    },
    /// The controller knows that the exporter is gone, or could not be told in time.
    Gone,
}

/// Which hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// The beforeLease hook.
    Before,
    /// The afterLease hook.
    After,
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Ok,
    /// It failed, could not be started, or took too long; what `onFailure` says is done.
    Failed(String),
    /// Something around it went wrong that says nothing about the hook.
    Unexpected(String),
    /// It was killed because [`Action::Kill`](super::Action::Kill) asked for it.
    Killed,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A session that opens.
    Opening,
    /// A hook that should have ended by its own clock long ago.
    Overdue(When),
    /// A hook that was killed and still has to be gone.
    Killed(When),
    /// Clients, to see the final status.
    Settle,
    /// The controller, to take back a lease that is over anyway, or from an exporter that stops.
    Release,
}

/// How soon to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// Now: a beforeLease hook is killed, the lease is wound up. Said twice, hooks are killed and
    /// nobody is waited for.
    Now,
    /// After the current lease; now, if there is none.
    AfterLease,
}

// === impl LeaseId ===

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

// === impl When ===

impl When {
    /// As the configuration calls the hook.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "beforeLease",
            Self::After => "afterLease",
        }
    }
}
