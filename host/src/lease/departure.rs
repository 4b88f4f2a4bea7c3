//! How the exporter stops: asked to from outside, by a hook, or because the lease was its last.

use std::mem;

use jumpstarter_proto::v1::ExporterStatus;

use super::life::News;
use super::phase::State;
use super::{Action, Life, Stopping, text};

/// The wish to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) how: Stopping,
    pub(super) code: u8,
    /// It was said twice.
    pub(super) forced: bool,
}

// === impl Life ===

impl Life {
    pub(super) fn stop(&mut self, how: Stopping, code: u8) {
        // Without a controller no lease ends by itself, there is nothing to wait for.
        let how = if self.setup.is_direct() {
            Stopping::Now
        } else {
            how
        };
        let news = match (&mut self.stop, how) {
            (Some(stop), Stopping::Now) if stop.how == Stopping::Now => {
                stop.forced = true;
                News::Force
            }
            // Who asked first, or asked for more, says what the process exits with.
            (Some(_), Stopping::AfterLease) => return,
            (stop, _) => {
                *stop = Some(Stop {
                    how,
                    code,
                    forced: false,
                });
                News::Stop
            }
        };
        self.state = match mem::replace(&mut self.state, State::Over) {
            // Nothing was registered that could be unregistered.
            State::Fresh => self.exit(),
            State::Idle => self.leave(),
            State::Lease(lease) if how == Stopping::Now => self.turn(lease, news),
            State::Leaving if news == News::Force => self.end(),
            state => state,
        };
    }

    /// The controller knows that the exporter is gone.
    pub(super) fn gone(&mut self) {
        if matches!(self.state, State::Leaving) {
            self.state = self.end();
        }
    }

    /// Takes leave of the controller, if there is one.
    pub(super) fn leave(&mut self) -> State {
        if self.setup.is_direct() {
            return self.end();
        }
        self.status = (ExporterStatus::Offline, text::OFFLINE.to_owned());
        self.act(Action::Offline);
        State::Leaving
    }

    /// Ends what served.
    fn end(&mut self) -> State {
        if self.setup.exit_on_lease_end {
            self.act(Action::Sidecar);
        }
        self.exit()
    }

    fn exit(&mut self) -> State {
        self.act(Action::Exit(self.stop.map_or(0, |stop| stop.code)));
        State::Over
    }

    /// Something failed that ends the exporter. A signal before it had the same wish, with its own
    /// code.
    pub(super) fn stop_for_failure(&mut self) {
        self.stop.get_or_insert(Stop {
            how: Stopping::AfterLease,
            code: 1,
            forced: false,
        });
    }

    /// Whether no further lease is to come.
    pub(super) fn departs(&self) -> bool {
        self.stop.is_some() || self.setup.exit_on_lease_end
    }

    /// Whether a lease is to be wound up without waiting for its end.
    pub(super) fn stops_now(&self) -> bool {
        self.stop.is_some_and(|stop| stop.how == Stopping::Now)
    }

    /// Whether nobody is waited for any more.
    pub(super) fn is_forced(&self) -> bool {
        self.stop.is_some_and(|stop| stop.forced)
    }
}
