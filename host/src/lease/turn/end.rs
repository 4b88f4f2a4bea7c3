//! The end of hooks that do not end, of sessions, and of leases.

use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step};
use crate::lease::{Action, Life, Timer, When, wait};

// === impl Life ===

impl Life {
    pub(super) fn kill(&mut self, lease: &Lease, when: When) {
        self.act(Action::Kill(lease.id, when));
        self.act(Action::Wait(lease.id, Timer::Killed(when), wait::KILLED));
    }

    /// Removes the journal entry, if there is one.
    pub(super) fn forget(&mut self, lease: &mut Lease) {
        if lease.journaled {
            lease.journaled = false;
            self.act(Action::Forget);
        }
    }

    pub(super) fn close(&mut self, lease: Lease) -> State {
        self.act(Action::Close(lease.id));
        lease.at(Step::Closing)
    }

    pub(super) fn closing(&mut self, lease: Lease, news: News) -> State {
        match news {
            News::Closed => self.finish(lease),
            _ => lease.at(Step::Closing),
        }
    }

    fn finish(&mut self, mut lease: Lease) -> State {
        // An afterLease hook that could not be run because of hurry stays in the journal.
        if !lease.owed {
            self.forget(&mut lease);
        }
        if !lease.gone {
            self.finished = Some(lease.name);
        }
        if self.stop.is_some() || self.setup.exit_on_lease_end || self.setup.is_direct() {
            return self.leave();
        }
        self.next()
    }
}
