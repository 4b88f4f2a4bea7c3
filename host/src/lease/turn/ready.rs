//! The client works, or could not be let in. Three things end this: the client, the controller, and
//! the wish to stop; what follows is nearly the same.

use jumpstarter_proto::v1::ExporterStatus;

use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step, Then};
use crate::lease::{Life, When, text, wait};

// === impl Life ===

impl Life {
    pub(super) fn ready(&mut self, mut lease: Lease, news: News) -> State {
        match news {
            News::EndSession => {
                lease.ended = true;
                self.wind_up(lease)
            }
            News::Gone | News::Stop | News::Force => self.wind_up(lease),
            _ => State::Lease(lease),
        }
    }

    /// Ends the lease on this side. The afterLease hook runs from here only, and only once.
    pub(super) fn wind_up(&mut self, mut lease: Lease) -> State {
        if let Some(rule) = self.setup.after
            && lease.owed
            && (self.setup.is_direct() || !lease.client.is_empty())
        {
            lease.owed = false;
            if lease.journaled {
                self.act(lease.entry(true));
            }
            self.report(ExporterStatus::AfterLeaseHook, text::RUNNING_AFTER);
            self.run(&lease, When::After, rule);
            return lease.at(Step::After { killed: false });
        }
        lease.owed = false;
        self.forget(&mut lease);
        if self.setup.has_hooks() || lease.gone {
            self.available(text::AVAILABLE);
            return self.settle(lease, Then::Finish, wait::SETTLE);
        }
        if lease.ended {
            // Without hooks there is nothing that the client would have to be spared: it, or the
            // controller, ends the lease.
            self.available(text::AVAILABLE);
            return lease.at(Step::Waiting);
        }
        self.close(lease)
    }
}
