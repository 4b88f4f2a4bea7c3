//! How leases come: from the controller, from the journal, or, without a controller, once.

use super::life::News;
use super::phase::{Lease, State, Step};
use super::{Action, LeaseId, Life, Timer, wait};

/// What the controller says about a lease.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) lease: String,
    pub(super) client: String,
}

/// What the journal says about a lease.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) lease: String,
    pub(super) client: String,
    pub(super) after_started: bool,
}

// === impl Shown ===

impl Shown {
    /// The one lease there is without a controller.
    pub(super) fn standalone() -> Self {
        Self {
            lease: "standalone".to_owned(),
            client: String::new(),
        }
    }
}

// === impl Life ===

impl Life {
    /// Takes notice of what a process before this one left open.
    pub(super) fn recovered(&mut self, left: Left) {
        if !matches!(self.state, State::Fresh) || self.setup.is_direct() {
            return;
        }
        // Without a client there is nobody to clean up after, and without a hook no way to.
        let owed = self.setup.after.is_some() && !left.client.is_empty();
        if owed || left.after_started {
            self.left = Some(left);
        } else {
            self.act(Action::Forget);
        }
    }

    /// Takes notice of what the controller shows.
    ///
    /// Another lease than the current one ends the current one and waits until its session is
    /// closed; of several that wait, only the newest is kept.
    pub(super) fn shown(&mut self, leased: bool, shown: Shown) {
        if self.setup.is_direct() || leased && shown.lease.is_empty() {
            return;
        }
        self.shown = leased.then_some(shown);
        let name = self.shown.as_ref().map(|shown| &shown.lease);
        if self.finished.as_ref() != name {
            self.finished = None;
        }
        match &mut self.state {
            State::Idle => self.state = self.next(),
            State::Lease(lease) if !lease.gone => {
                if name == Some(&lease.name) {
                    self.transfer();
                } else {
                    lease.gone = true;
                    let id = lease.id;
                    self.tell(id, News::Gone);
                }
            }
            State::Lease(_) | State::Fresh | State::Leaving | State::Over => {}
        }
    }

    /// Notes whose the lease is; that may become known late, and may change.
    fn transfer(&mut self) {
        let (State::Lease(lease), Some(shown)) = (&mut self.state, &self.shown) else {
            return;
        };
        if lease.client == shown.client || lease.step == Step::Closing {
            return;
        }
        lease.client.clone_from(&shown.client);
        let entry = (lease.journaled && lease.owed).then(|| lease.entry(false));
        let (id, client) = (lease.id, lease.client.clone());
        self.act(Action::Client { id, client });
        if let Some(entry) = entry {
            self.act(entry);
        }
    }

    /// What comes after a lease, or after none: the lease that the controller shows, unless it is
    /// over here.
    pub(super) fn next(&mut self) -> State {
        match &self.shown {
            Some(shown) if self.finished.as_ref() != Some(&shown.lease) => {
                let shown = shown.clone();
                self.begin(shown)
            }
            _ => State::Idle,
        }
    }

    pub(super) fn begin(&mut self, shown: Shown) -> State {
        let lease = self.lease(shown.lease, shown.client);
        self.open(lease)
    }

    /// Winds up a lease whose exporter died.
    pub(super) fn take_up(&mut self, left: Left) -> State {
        let lease = Lease {
            recovered: true,
            journaled: true,
            owed: !left.after_started,
            ..self.lease(left.lease, left.client)
        };
        if lease.owed {
            self.open(lease)
        } else {
            self.release(lease)
        }
    }

    fn lease(&mut self, name: String, client: String) -> Lease {
        self.leases += 1;
        Lease {
            id: LeaseId(self.leases),
            name,
            client,
            step: Step::Opening,
            gone: false,
            ended: false,
            recovered: false,
            served: false,
            journaled: false,
            owed: self.setup.after.is_some(),
        }
    }

    fn open(&mut self, lease: Lease) -> State {
        self.act(Action::Open {
            id: lease.id,
            lease: lease.name.clone(),
            client: lease.client.clone(),
        });
        // Without a controller nobody waits in a queue: slow drivers may take their time.
        if !self.setup.is_direct() {
            self.act(Action::Wait(lease.id, Timer::Opening, wait::OPENING));
        }
        lease.at(Step::Opening)
    }
}
