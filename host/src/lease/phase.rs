//! Where the exporter is in its life.

use super::{Action, LeaseId, When};

/// Where the exporter is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Not registered yet.
    Fresh,
    /// No lease.
    Idle,
    /// The session opens.
    Opening,
    /// The beforeLease hook runs.
    Before,
    /// The client works.
    Ready,
    /// Something around the beforeLease hook went wrong; drivers are closed to the client, the
    /// lease goes on until somebody ends it.
    Broken,
    /// The afterLease hook runs.
    After,
    /// The final status is shown.
    Settling,
    /// The controller is told that the lease is over.
    Releasing,
    /// All is done here, the lease is still held.
    Waiting,
    /// The session closes.
    Closing,
    /// The exporter takes its leave of the controller.
    Leaving,
    /// Nothing comes after this.
    Over,
}

/// What the machine is busy with.
#[derive(Debug)]
pub(super) enum State {
    Fresh,
    Idle,
    Lease(Lease),
    Leaving,
    Over,
}

/// A lease, from its first sight to the end of its session.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: LeaseId,
    pub(super) name: String,
    pub(super) client: String,
    pub(super) step: Step,
    /// The controller does not show it any more.
    pub(super) gone: bool,
    /// A client ended the session.
    pub(super) ended: bool,
    /// It is from the journal of a process that died.
    pub(super) recovered: bool,
    /// The session served, so there may be clients who look at the status.
    pub(super) served: bool,
    /// The journal has an entry for it.
    pub(super) journaled: bool,
    /// The afterLease hook has yet to be run.
    pub(super) owed: bool,
}

/// How far a lease is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Opening,
    Before { killed: bool },
    Ready,
    Broken,
    After { killed: bool },
    Settling(Then),
    Releasing,
    Waiting,
    Closing,
}

/// What follows when the final status was shown long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The lease is given back.
    Finish,
    /// The exporter goes, because of this hook.
    Shutdown(When),
}

// === impl State ===

impl State {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Fresh => Phase::Fresh,
            Self::Idle => Phase::Idle,
            Self::Lease(lease) => lease.step.phase(),
            Self::Leaving => Phase::Leaving,
            Self::Over => Phase::Over,
        }
    }
}

// === impl Lease ===

impl Lease {
    /// What the journal says about it.
    pub(super) fn entry(&self, after_started: bool) -> Action {
        Action::Journal {
            lease: self.name.clone(),
            client: self.client.clone(),
            after_started,
        }
    }

    /// The same lease, further.
    pub(super) fn at(mut self, step: Step) -> State {
        self.step = step;
        State::Lease(self)
    }
}

// === impl Step ===

impl Step {
    fn phase(self) -> Phase {
        match self {
            Self::Opening => Phase::Opening,
            Self::Before { .. } => Phase::Before,
            Self::Ready => Phase::Ready,
            Self::Broken => Phase::Broken,
            Self::After { .. } => Phase::After,
            Self::Settling(_) => Phase::Settling,
            Self::Releasing => Phase::Releasing,
            Self::Waiting => Phase::Waiting,
            Self::Closing => Phase::Closing,
        }
    }
}
