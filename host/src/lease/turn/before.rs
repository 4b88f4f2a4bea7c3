//! The beforeLease hook runs. It is never interrupted because the lease ends, only because the
//! exporter stops: half a preparation is harder to clean up after than a whole one.

use jumpstarter_proto::v1::ExporterStatus;

use crate::config::OnFailure;
use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step, Then};
use crate::lease::{Ended, Life, Timer, When, text, wait};

// === impl Life ===

impl Life {
    pub(super) fn before(&mut self, mut lease: Lease, news: News, killed: bool) -> State {
        match news {
            News::Hook(When::Before, ended) => self.before_ended(lease, ended),
            News::Timeout(Timer::Killed(When::Before)) if killed => {
                self.before_ended(lease, Ended::Unexpected(text::STUCK.to_owned()))
            }
            News::Stop | News::Force | News::Timeout(Timer::Overdue(When::Before)) if !killed => {
                self.kill(&lease, When::Before);
                lease.at(Step::Before { killed: true })
            }
            News::EndSession => {
                lease.ended = true;
                lease.at(Step::Before { killed })
            }
            _ => lease.at(Step::Before { killed }),
        }
    }

    fn before_ended(&mut self, lease: Lease, ended: Ended) -> State {
        match ended {
            Ended::Ok => self.prepared(lease, text::READY.to_owned()),
            Ended::Failed(message) => self.before_failed(lease, &message),
            Ended::Unexpected(message) => self.before_broke(lease, &message),
            Ended::Killed if self.stops_now() => self.unprepared(lease),
            Ended::Killed => self.before_broke(lease, text::OVERDUE),
        }
    }

    fn before_failed(&mut self, mut lease: Lease, message: &str) -> State {
        let when = When::Before;
        let (text, then, pause) = match self.setup.before.map(|rule| rule.on_failure) {
            None | Some(OnFailure::Warn) => {
                return self.prepared(lease, text::warning(when, message));
            }
            Some(OnFailure::EndLease) => {
                let text = text::failed_end_lease(when, message);
                (text, Then::Finish, wait::SETTLE)
            }
            Some(OnFailure::Exit) => {
                self.stop_for_failure();
                let text = text::failed_exit(when, message);
                (text, Then::Shutdown(when), wait::LAST_WORDS)
            }
        };
        lease.owed = false;
        self.forget(&mut lease);
        self.report(ExporterStatus::BeforeLeaseHookFailed, text);
        if self.is_forced() {
            return self.close(lease);
        }
        if self.setup.is_direct() && then == Then::Finish && !self.stops_now() {
            // There is no lease to give back; the failure stays to be seen.
            return lease.at(Step::Waiting);
        }
        self.settle(lease, then, pause)
    }

    /// Nobody knows what the hook did, so the hook after it has to put it right.
    fn before_broke(&mut self, lease: Lease, message: &str) -> State {
        self.report(
            ExporterStatus::BeforeLeaseHookFailed,
            text::failed(When::Before, message),
        );
        if self.must_end(&lease) {
            return self.unprepared(lease);
        }
        lease.at(Step::Broken)
    }

    fn prepared(&mut self, lease: Lease, message: String) -> State {
        if self.must_end(&lease) {
            return self.unprepared(lease);
        }
        self.admit(lease, message)
    }

    /// The lease is over before the client had it.
    fn unprepared(&mut self, lease: Lease) -> State {
        if self.is_forced() {
            // What the afterLease hook would do is left in the journal, for the next process.
            return self.close(lease);
        }
        self.wind_up(lease)
    }

    fn must_end(&self, lease: &Lease) -> bool {
        lease.gone || lease.ended || self.stops_now()
    }
}
