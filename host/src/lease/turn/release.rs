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
            // Also if it did not work: the exporter is free, whatever the controller thinks.
            News::Released | News::Timeout(Timer::Release) => {
                if !self.departs() {
                    self.report(ExporterStatus::Available, text::RELEASED);
                }
                self.close(lease)
            }
            // The release may be what ended it, and may be about to say something else than
            // AVAILABLE on its way, so it still has the word, but not for long.
            News::Gone | News::Stop => {
                self.act(Action::Wait(lease.id, Timer::Release, wait::RELEASE));
                lease.at(Step::Releasing)
            }
            News::Force => self.close(lease),
            _ => lease.at(Step::Releasing),
        }
    }

    /// The controller does not show the lease any more.
    pub(super) fn over(&mut self, lease: Lease) -> State {
        if !self.departs() && self.status.0 != ExporterStatus::Available {
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
