//! The afterLease hook runs. Only force interrupts it.

use jumpstarter_proto::v1::ExporterStatus;

use crate::config::OnFailure;
use crate::lease::life::News;
use crate::lease::phase::{Lease, State, Step, Then};
use crate::lease::{Ended, Life, Timer, When, text, wait};

// === impl Life ===

impl Life {
    pub(super) fn after(&mut self, lease: Lease, news: News, killed: bool) -> State {
        match news {
            News::Hook(When::After, ended) => self.after_ended(lease, ended),
            News::Timeout(Timer::Killed(When::After)) if killed => {
                self.after_ended(lease, Ended::Unexpected(text::STUCK.to_owned()))
            }
            News::Force | News::Timeout(Timer::Overdue(When::After)) if !killed => {
                self.kill(&lease, When::After);
                lease.at(Step::After { killed: true })
            }
            _ => lease.at(Step::After { killed }),
        }
    }

    fn after_ended(&mut self, lease: Lease, ended: Ended) -> State {
        let when = When::After;
        let (text, then, pause) = match ended {
            Ended::Ok => return self.cleaned(lease, text::AVAILABLE.to_owned()),
            Ended::Failed(message) => match self.setup.after.map(|rule| rule.on_failure) {
                None | Some(OnFailure::Warn) => {
                    return self.cleaned(lease, text::warning(when, &message));
                }
                Some(OnFailure::EndLease) => {
                    let text = text::failed_end_lease(when, &message);
                    (text, Then::Finish, wait::SETTLE)
                }
                Some(OnFailure::Exit) => {
                    self.stop_for_failure();
                    let text = text::failed_exit(when, &message);
                    (text, Then::Shutdown(when), wait::LAST_WORDS)
                }
            },
            Ended::Unexpected(message) => {
                (text::failed(when, &message), Then::Finish, wait::SETTLE)
            }
            Ended::Killed => (
                text::failed(when, text::OVERDUE),
                Then::Finish,
                wait::SETTLE,
            ),
        };
        if self.is_forced() {
            return self.close(lease);
        }
        self.report(ExporterStatus::AfterLeaseHookFailed, text);
        self.settle(lease, then, pause)
    }

    fn cleaned(&mut self, lease: Lease, message: String) -> State {
        if self.is_forced() {
            return self.close(lease);
        }
        self.available(message);
        self.settle(lease, Then::Finish, wait::SETTLE)
    }
}
