//! The final status is shown for a moment, so that clients who ask every now and then see it.

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;

use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step, Then};
use crate::lease::{Action, Life, Timer, text};

// === impl Life ===

impl Life {
    pub(super) fn settle(&mut self, lease: Lease, then: Then, pause: Duration) -> State {
        self.act(Action::Wait(lease.id, Timer::Settle, pause));
        lease.at(Step::Settling(then))
    }

    pub(super) fn settling(&mut self, lease: Lease, news: News, then: Then) -> State {
        match news {
            News::Timeout(Timer::Settle) => self.settled(lease, then),
            // Where nothing was served the pause is the controller's, who tells the client.
            News::Seen if lease.served => self.settled(lease, then),
            News::Force => self.close(lease),
            _ => lease.at(Step::Settling(then)),
        }
    }

    fn settled(&mut self, lease: Lease, then: Then) -> State {
        match then {
            Then::Shutdown(when) => {
                self.report(ExporterStatus::Offline, text::shutting_down(when));
                if lease.gone || self.stops_now() || self.setup.is_direct() {
                    return self.close(lease);
                }
                lease.at(Step::Waiting)
            }
            Then::Finish if self.setup.is_direct() => self.close(lease),
            Then::Finish if lease.gone => self.over(lease),
            Then::Finish => self.release(lease),
        }
    }
}
