//! The lease is given back, or its end is waited for.

use jumpstarter_proto::v1::ExporterStatus;

use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step};
use crate::lease::{Action, Life, Timer, text, wait};

// === impl Life ===

impl Life {
    pub(in crate::lease) fn release(&mut self, lease: Lease) -> State {
        self.act(Action::Release {
            id: lease.id,
            lease: lease.name.clone(),
        });
        if self.stops_now() {
            self.act(Action::Wait(lease.id, Timer::Release, wait::RELEASE));
        }
        lease.at(Step::Releasing)
    }

    pub(super) fn releasing(&mut self, lease: Lease, news: News) -> State {
        match news {
            News::Released => {
                if !self.departs() {
                    self.report(ExporterStatus::Available, text::RELEASED);
                }
                self.close(lease)
            }
            // It is over at the controller, whoever did it.
            News::Gone => self.over(lease),
            News::Stop => {
                self.act(Action::Wait(lease.id, Timer::Release, wait::RELEASE));
                lease.at(Step::Releasing)
            }
            News::Timeout(Timer::Release) | News::Force => self.close(lease),
            _ => lease.at(Step::Releasing),
        }
    }

    /// The controller does not show the lease any more, so it can have a word about the next.
    pub(super) fn over(&mut self, lease: Lease) -> State {
        // Without a session nothing has been said about this lease yet.
        let said = lease.asked && self.status.0 == ExporterStatus::Available;
        if !said && !self.departs() {
            self.report(ExporterStatus::Available, text::AVAILABLE);
        }
        self.close(lease)
    }

    pub(super) fn waiting(&mut self, lease: Lease, news: News) -> State {
        match news {
            News::Gone | News::Stop | News::Force => self.close(lease),
            _ => lease.at(Step::Waiting),
        }
    }
}
