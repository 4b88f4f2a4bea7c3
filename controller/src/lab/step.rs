//! One step of the lab: commands look at the working state and change it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::LabError;
use super::state::State;
use crate::model::{Key, Lease, Time, Uid};
use crate::store::{Change, Event};

/// The working state, while a batch of commands changes it.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) state: &'a mut State,
    pub(super) now: Time,
    /// What has changed since the last commit.
    pub(super) changes: Vec<Change>,
    /// The names of leases that ended since the last commit.
    pub(super) ended: HashSet<Key>,
    before: &'a Ended,
    /// Namespaces whose queues have to be served again.
    pub(super) stirred: HashSet<String>,
}

/// Names of leases that ended lately. They stay taken; the database knows them all, but a caller who
/// looked there before such a lease ended could not see it.
#[derive(Debug, Default)]
pub(super) struct Ended {
    names: HashSet<Key>,
    order: VecDeque<Key>,
}

/// A change to the lab.
///
/// It checks everything before the first change, so that a refusal leaves nothing behind.
pub(super) trait Command: Send + 'static {
    type Answer: Send + 'static;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Self::Answer, LabError>;
}

/// A command in the queue, with its sender.
pub(super) trait Job: Send {
    fn carry_out(self: Box<Self>, step: &mut Step<'_>) -> Box<dyn Uncommitted>;
}

/// The outcome of a command, until its changes are committed.
pub(super) trait Uncommitted: Send {
    fn settle(self: Box<Self>, committed: Result<(), LabError>);
}

pub(super) struct QueuedCommand<C: Command> {
    pub(super) command: C,
    pub(super) answer: oneshot::Sender<Result<C::Answer, LabError>>,
}

struct UncommittedAnswer<A> {
    result: Result<A, LabError>,
    answer: oneshot::Sender<Result<A, LabError>>,
}

// === impl Step ===

impl<'a> Step<'a> {
    pub(super) fn new(state: &'a mut State, before: &'a Ended, now: Time) -> Self {
        Self {
            state,
            now,
            changes: Vec::new(),
            ended: HashSet::new(),
            before,
            stirred: HashSet::new(),
        }
    }

    /// Makes a change.
    pub(super) fn change(&mut self, change: Change) {
        match &change {
            Change::Exporter(exporter) => self.stir(&exporter.key),
            Change::Client(client) => self.stir(&client.key),
            Change::Policy(policy) => self.stir(&policy.key),
            Change::NoExporter(uid) => {
                if let Some(exporter) = self.state.exporters.get(*uid).cloned() {
                    self.stir(&exporter.key);
                }
            }
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
            Change::NoClient(_)
            | Change::Credential(_)
            | Change::NoCredential(_)
            | Change::Seen(_)
            | Change::Audit(_) => {}
        }
        self.state.apply(&change);
        self.changes.push(change);
    }

    pub(super) fn put_lease(&mut self, lease: Lease) {
        self.change(Change::Lease(Arc::new(lease)));
    }

    /// Records what a lease waits for, which makes no room for others.
    pub(super) fn put_waiting(&mut self, lease: Lease) {
        let change = Change::Lease(Arc::new(lease));
        self.state.apply(&change);
        self.changes.push(change);
    }

    /// Adds an event to the audit log.
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

    /// Whether a lease has this name, or one that ended lately had it.
    pub(super) fn is_taken(&self, key: &Key) -> bool {
        let ended = self.ended.contains(key) || self.before.names.contains(key);
        ended || self.state.leases.named(key).is_some()
    }

    /// The lease, unless it has ended.
    pub(super) fn lease(&self, uid: Uid) -> Option<Lease> {
        self.state.leases.get(uid).map(|lease| Lease::clone(lease))
    }

    /// Has all queues served.
    pub(super) fn stir_all(&mut self) {
        let all = self.state.namespaces().into_iter().map(str::to_owned);
        self.stirred.extend(all);
    }

    fn stir(&mut self, key: &Key) {
        if !self.stirred.contains(&key.namespace) {
            self.stirred.insert(key.namespace.clone());
        }
    }
}

// === impl Ended ===

impl Ended {
    /// More than can end while a command waits in the queue.
    const MOST: usize = 16 * 1024;

    /// Adds leases whose ends are committed.
    pub(super) fn extend(&mut self, ended: HashSet<Key>) {
        for key in ended {
            if self.names.insert(key.clone()) {
                self.order.push_back(key);
            }
        }
        while self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }
}

// === impl QueuedCommand ===

impl<C: Command> Job for QueuedCommand<C> {
    fn carry_out(self: Box<Self>, step: &mut Step<'_>) -> Box<dyn Uncommitted> {
        let result = self.command.carry_out(step);
        Box::new(UncommittedAnswer {
            result,
            answer: self.answer,
        })
    }
}

// === impl UncommittedAnswer ===

impl<A: Send> Uncommitted for UncommittedAnswer<A> {
    fn settle(self: Box<Self>, committed: Result<(), LabError>) {
        let result = match committed {
            Ok(()) => self.result,
            // A refusal, too, may follow from a change that was not committed.
            Err(error) => Err(error),
        };
        // The sender may have gone; the change stays.
        drop(self.answer.send(result));
    }
}
