//! The session opens. Whatever ends the lease now ends it without any hook: none has begun.

use jumpstarter_proto::v1::ExporterStatus;

use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step, Then};
use crate::lease::{Action, Life, Timer, When, text, wait};

// === impl Life ===

impl Life {
    pub(super) fn opening(&mut self, mut lease: Lease, news: News) -> State {
        match news {
            News::Ready => {
                lease.served = true;
                self.opened(lease)
            }
            News::Failed(reason) => self.unopened(lease, text::unopened(&reason)),
            News::Timeout(Timer::Opening) => self.unopened(lease, text::TOO_LATE.to_owned()),
            News::EndSession => {
                lease.ended = true;
                lease.at(Step::Opening)
            }
            // What a dead process left to do is done also if the controller has forgotten it.
            News::Gone if !lease.recovered => {
                self.available(text::AVAILABLE);
                self.close(lease)
            }
            News::Stop | News::Force => self.close(lease),
            _ => lease.at(Step::Opening),
        }
    }

    fn opened(&mut self, mut lease: Lease) -> State {
        if lease.recovered {
            return self.wind_up(lease);
        }
        if lease.ended {
            lease.owed = false;
            return self.wind_up(lease);
        }
        if lease.owed && !self.setup.is_direct() {
            lease.journaled = true;
            self.act(lease.entry(false));
        }
        if let Some(rule) = self.setup.before {
            self.report(ExporterStatus::BeforeLeaseHook, text::RUNNING_BEFORE);
            self.run(&lease, When::Before, rule);
            return lease.at(Step::Before { killed: false });
        }
        self.admit(lease, text::READY)
    }

    /// The lease is the client's.
    pub(super) fn admit(&mut self, lease: Lease, message: impl Into<String>) -> State {
        self.report(ExporterStatus::LeaseReady, message);
        lease.at(Step::Ready)
    }

    fn unopened(&mut self, mut lease: Lease, message: String) -> State {
        lease.owed = false;
        if self.setup.is_direct() {
            self.stop_for_failure();
            return self.close(lease);
        }
        let status = if lease.recovered {
            ExporterStatus::AfterLeaseHookFailed
        } else {
            ExporterStatus::BeforeLeaseHookFailed
        };
        self.report(status, message);
        self.settle(lease, Then::Finish, wait::SETTLE)
    }

    /// Starts a hook, with an eye on the clock in case it is not ended by its own.
    pub(super) fn run(&mut self, lease: &Lease, when: When, rule: crate::lease::Rule) {
        self.act(Action::Run(lease.id, when));
        self.act(Action::Wait(
            lease.id,
            Timer::Overdue(when),
            rule.timeout.saturating_add(wait::OVERDUE),
        ));
    }
}
