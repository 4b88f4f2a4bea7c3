//! The machine itself: what the events mean for it as a whole. What they mean for a lease is in
//! `turn/`, one file per phase.

use std::mem;

use jumpstarter_proto::v1::ExporterStatus;

use super::coming::{Left, Shown};
use super::departure::Stop;
use super::phase::State;
use super::{Action, Ended, Event, LeaseId, Phase, Setup, Timer, When, text};

/// The life of an exporter: events in, actions out.
#[derive(Debug)]
pub struct Life {
    pub(super) setup: Setup,
    pub(super) state: State,
    /// The lease that the controller shows.
    pub(super) shown: Option<Shown>,
    /// A lease that is over here although the controller still shows it.
    pub(super) finished: Option<String>,
    /// A lease that a process before this one left open.
    pub(super) left: Option<Left>,
    pub(super) stop: Option<Stop>,
    /// The last status and its message.
    pub(super) status: (ExporterStatus, String),
    pub(super) leases: u64,
    actions: Vec<Action>,
}

/// An event as the current lease sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Ready,
    Failed(String),
    Hook(When, Ended),
    EndSession,
    Seen,
    Timeout(Timer),
    Released,
    Closed,
    /// The controller does not show the lease any more.
    Gone,
    /// The exporter is to stop now.
    Stop,
    /// And nobody is to be waited for.
    Force,
}

// === impl Life ===

impl Life {
    /// An exporter that has not done anything yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            state: State::Fresh,
            shown: None,
            finished: None,
            left: None,
            stop: None,
            status: (ExporterStatus::Available, String::new()),
            leases: 0,
            actions: Vec::new(),
        }
    }

    /// Takes notice of an event. What is to be done about it is to be done in this order.
    pub fn on(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Start => self.start(),
            Event::Recovered {
                lease,
                client,
                after_started,
            } => self.recovered(Left {
                lease,
                client,
                after_started,
            }),
            Event::Status {
                leased,
                lease,
                client,
            } => self.shown(leased, Shown { lease, client }),
            Event::Stop { how, code } => self.stop(how, code),
            Event::Gone => self.gone(),
            Event::SessionReady(id) => self.tell(id, News::Ready),
            Event::SessionFailed(id, reason) => self.tell(id, News::Failed(reason)),
            Event::HookEnded(id, when, ended) => self.tell(id, News::Hook(when, ended)),
            Event::EndSession(_) if self.setup.is_direct() => {}
            Event::EndSession(id) => self.tell(id, News::EndSession),
            Event::Seen(id) => self.tell(id, News::Seen),
            Event::Timeout(id, timer) => self.tell(id, News::Timeout(timer)),
            Event::Released(id) => self.tell(id, News::Released),
            Event::Closed(id) => self.tell(id, News::Closed),
        }
        mem::take(&mut self.actions)
    }

    /// Where the exporter is.
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// The last status and its message: the first of a new session, and what to repeat to a
    /// controller that may have forgotten it.
    pub fn status(&self) -> (ExporterStatus, &str) {
        (self.status.0, &self.status.1)
    }

    fn start(&mut self) {
        if !matches!(self.state, State::Fresh) {
            return;
        }
        self.state = if self.setup.is_direct() {
            self.begin(Shown::standalone())
        } else if let Some(left) = self.left.take() {
            self.take_up(left)
        } else {
            self.report(ExporterStatus::Available, text::REGISTERED);
            self.next()
        };
    }

    /// Passes the news on if it is about the current lease.
    pub(super) fn tell(&mut self, id: LeaseId, news: News) {
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::Lease(lease) if lease.id == id => self.turn(lease, news),
            state => state,
        };
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Tells everybody.
    pub(super) fn report(&mut self, status: ExporterStatus, message: impl Into<String>) {
        let message = message.into();
        self.status = (status, message.clone());
        self.act(Action::Report { status, message });
    }

    /// Says that the lease is over: to everybody, except that the controller is not invited to
    /// give the next lease to an exporter that is about to go.
    pub(super) fn available(&mut self, message: impl Into<String>) {
        let status = ExporterStatus::Available;
        if self.setup.is_direct() || !self.departs() {
            return self.report(status, message);
        }
        let message = message.into();
        self.status = (status, message.clone());
        self.act(Action::Show { status, message });
    }
}
