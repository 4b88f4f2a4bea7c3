//! One step of the lab: a command looks at what is true and says what changes.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::LabError;
use super::state::State;
use crate::model::{Key, Lease, Time, Uid};
use crate::store::{Change, Event};

/// What a batch of commands works on.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) state: &'a mut State,
    pub(super) now: Time,
    /// What has changed since the last commit.
    pub(super) changes: Vec<Change>,
    /// Leases that ended since the last commit; their names are taken for ever.
    pub(super) ended: HashSet<Key>,
    /// Namespaces in which somebody may get something now.
    pub(super) stirred: HashSet<String>,
}

/// A change that somebody asks for.
///
/// It checks everything before the first change, so that a refusal leaves nothing behind.
pub(super) trait Command: Send + 'static {
    type Answer: Send + 'static;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Self::Answer, LabError>;
}

/// A command on its way, with whoever waits for it.
pub(super) trait Job: Send {
    fn carry_out(self: Box<Self>, step: &mut Step<'_>) -> Box<dyn Done>;
}

/// A command that was carried out, and is not on the disk yet.
pub(super) trait Done: Send {
    fn settle(self: Box<Self>, committed: Result<(), LabError>);
}

pub(super) struct Asked<C: Command> {
    pub(super) command: C,
    pub(super) answer: oneshot::Sender<Result<C::Answer, LabError>>,
}

struct Answered<A> {
    result: Result<A, LabError>,
    answer: oneshot::Sender<Result<A, LabError>>,
}

// === impl Step ===

impl<'a> Step<'a> {
    pub(super) fn new(state: &'a mut State, now: Time) -> Self {
        Self {
            state,
            now,
            changes: Vec::new(),
            ended: HashSet::new(),
            stirred: HashSet::new(),
        }
    }

    /// From here on it is so.
    pub(super) fn change(&mut self, change: Change) {
        match &change {
            Change::Exporter(exporter) => self.stir(&exporter.key),
            Change::Client(client) => self.stir(&client.key),
            Change::Policy(policy) => self.stir(&policy.key),
            Change::NoPolicy(uid) => {
                if let Some(policy) = self.state.policies.get(*uid).cloned() {
                    self.stir(&policy.key);
                }
            }
            Change::Lease(lease) => {
                self.stir(&lease.key);
                if lease.has_ended() {
                    self.ended.insert(lease.key.clone());
                }
            }
            Change::NoExporter(_)
            | Change::NoClient(_)
            | Change::Credential(_)
            | Change::Seen(_)
            | Change::Audit(_) => {}
        }
        self.state.apply(&change);
        self.changes.push(change);
    }

    pub(super) fn put_lease(&mut self, lease: Lease) {
        self.change(Change::Lease(Arc::new(lease)));
    }

    /// A lease that waits for something else than before, which makes no room for anybody.
    pub(super) fn put_waiting(&mut self, lease: Lease) {
        let change = Change::Lease(Arc::new(lease));
        self.state.apply(&change);
        self.changes.push(change);
    }

    /// For the record.
    pub(super) fn record(
        &mut self,
        actor: impl Into<String>,
        what: &'static str,
        (kind, object): (&'static str, &Key),
        detail: impl Into<String>,
    ) {
        self.change(Change::Audit(Event {
            at: self.now,
            actor: actor.into(),
            what,
            kind,
            object: object.clone(),
            detail: detail.into(),
        }));
    }

    /// A lease that has not ended.
    pub(super) fn lease(&self, uid: Uid) -> Option<Lease> {
        self.state.leases.get(uid).map(|lease| Lease::clone(lease))
    }

    fn stir(&mut self, key: &Key) {
        if !self.stirred.contains(&key.namespace) {
            self.stirred.insert(key.namespace.clone());
        }
    }
}

// === impl Asked ===

impl<C: Command> Job for Asked<C> {
    fn carry_out(self: Box<Self>, step: &mut Step<'_>) -> Box<dyn Done> {
        let result = self.command.carry_out(step);
        Box::new(Answered {
            result,
            answer: self.answer,
        })
    }
}

// === impl Answered ===

impl<A: Send> Done for Answered<A> {
    fn settle(self: Box<Self>, committed: Result<(), LabError>) {
        let result = match committed {
            Ok(()) => self.result,
            // A refusal needs no disk.
            Err(error) => self.result.and(Err(error)),
        };
        // Whoever asked may have gone; what was done stays done.
        drop(self.answer.send(result));
    }
}
