//! The waiting leases of one namespace, in order.
//!
//! ```text
//!  lease ─► request ─► class: all leases with the same request, the longest wait first
//!                        │ answer: exporters and priorities, worked out once
//!                        ▼
//!  the first of every class that has something open ─► by rank ─► the best that is open
//! ```
//!
//! Ten thousand waiting leases usually have a few dozen different requests. A decision looks at the
//! first lease of each class, and at the next one only if the first is served.

mod positions;

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_set};
use std::sync::Arc;

use super::answer::{Answer, Grants, answer};
use super::board::Board;
use super::request::LeaseRequest;
use super::{Decision, QueuePosition, Refusal, Snapshot, Waiting};
use crate::model::{Client, Lease, Policy, Time, Uid};

/// The waiting leases of a namespace.
#[derive(Clone, Debug)]
pub struct Queue {
    namespace: String,
    board: Arc<Board>,
    /// Ordered by name.
    policies: Vec<Arc<Policy>>,
    classes: HashMap<Arc<LeaseRequest>, Class>,
    waiting: HashMap<Uid, Waiter>,
    /// Requests without an answer yet.
    unanswered: Vec<Arc<LeaseRequest>>,
    newcomers: Vec<Uid>,
    /// Whether board, policies and answers are out of date.
    stale: bool,
}

/// All leases with the same request.
#[derive(Clone, Debug, Default)]
struct Class {
    /// `None` until the next decision.
    answer: Option<Answer>,
    waiting: BTreeSet<Turn>,
}

#[derive(Clone, Debug)]
struct Waiter {
    lease: Arc<Lease>,
    request: Arc<LeaseRequest>,
}

/// The order within a class: smaller is earlier.
type Turn = (Time, Uid);

/// The order among classes: smaller is served earlier.
type Rank = (std::cmp::Reverse<i64>, Turn);

/// The first lease of a class that was not served yet, and those behind it.
struct Head<'a> {
    grants: &'a Grants,
    behind: btree_set::Iter<'a, Turn>,
}

fn turn(lease: &Lease) -> Turn {
    (lease.eligible_since.unwrap_or(lease.created), lease.uid)
}

// === impl Queue ===

impl Queue {
    /// An empty queue.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            board: Arc::default(),
            policies: Vec::new(),
            classes: HashMap::new(),
            waiting: HashMap::new(),
            unanswered: Vec::new(),
            newcomers: Vec::new(),
            stale: true,
        }
    }

    /// Adds a lease, or replaces an earlier version of it.
    pub fn put(&mut self, lease: &Arc<Lease>, owner: Option<&Client>) {
        let request = LeaseRequest::of(lease, owner, &self.policies);
        match self.waiting.get_mut(&lease.uid) {
            Some(there) if *there.request == request && turn(&there.lease) == turn(lease) => {
                there.lease = Arc::clone(lease);
            }
            Some(_) => {
                self.remove(lease.uid);
                self.join(Arc::clone(lease), request);
            }
            None => {
                self.newcomers.push(lease.uid);
                self.join(Arc::clone(lease), request);
            }
        }
    }

    /// Removes a lease, if it is there.
    pub fn remove(&mut self, uid: Uid) {
        let Some(Waiter { lease, request }) = self.waiting.remove(&uid) else {
            return;
        };
        if let Some(class) = self.classes.get_mut(&*request) {
            class.waiting.remove(&turn(&lease));
            if class.waiting.is_empty() {
                self.classes.remove(&*request);
            }
        }
    }

    /// Marks the answers as out of date, because exporters or policies have changed.
    pub fn unsettle(&mut self) {
        self.stale = true;
    }

    /// Whether a lease of this client waits.
    pub fn concerns(&self, client: &Client) -> bool {
        let mut all = self.waiting.values();
        all.any(|waiter| waiter.lease.owner == client.key.name)
    }

    /// The leases that were added since the last call, and still wait.
    pub fn newcomers(&mut self) -> Vec<Uid> {
        let mut newcomers = std::mem::take(&mut self.newcomers);
        newcomers.retain(|uid| self.waiting.contains_key(uid));
        newcomers
    }

    /// Which leases begin now, in order, and which can never begin. Brings all answers up to date, so
    /// it has to be called before any question about positions.
    pub fn decide(&mut self, now: &Snapshot<'_>) -> Vec<Decision> {
        self.refresh(now);
        if self.classes.is_empty() {
            return Vec::new();
        }
        let mut open = self.board.open(now);
        let mut heads: BTreeMap<Rank, Head<'_>> = BTreeMap::new();
        let mut refused: BTreeMap<Turn, &Arc<Refusal>> = BTreeMap::new();
        for class in self.classes.values() {
            match &class.answer {
                Some(Ok(grants)) if grants.set.meets(&open) => {
                    Head::of(grants, class.waiting.iter()).line_up(&mut heads);
                }
                Some(Err(why)) => refused.extend(class.waiting.iter().map(|turn| (*turn, why))),
                _ => {}
            }
        }
        let refuse = |((_, lease), why): (Turn, &Arc<Refusal>)| Decision::Refuse {
            lease,
            why: Arc::clone(why),
        };
        let mut decisions: Vec<Decision> = refused.into_iter().map(refuse).collect();
        while let Some(((_, (_, lease)), head)) = heads.pop_first() {
            // Those behind it in the class want the same, so there is nothing for them, either.
            let Some((number, priority)) = head.grants.pick(&open, &self.board, now) else {
                continue;
            };
            open.remove(number);
            decisions.push(Decision::Grant {
                lease,
                exporter: self.board.at(number).uid,
                priority,
            });
            head.line_up(&mut heads);
        }
        decisions
    }

    /// What a lease waits for, and where in the queue; `None` if it does not wait.
    pub fn queue_position(&self, uid: Uid, now: &Snapshot<'_>) -> Option<(Waiting, QueuePosition)> {
        let waiter = self.waiting.get(&uid)?;
        let class = self.classes.get(&*waiter.request)?;
        let grants = class.grants()?;
        let ahead = self.ahead(grants, turn(&waiter.lease));
        self.look(grants, ahead, now)
    }

    /// The position of a lease with these grants and so many leases ahead of it.
    fn look(
        &self,
        grants: &Grants,
        ahead: usize,
        now: &Snapshot<'_>,
    ) -> Option<(Waiting, QueuePosition)> {
        let (first, _) = grants.all.first()?;
        let mut position = QueuePosition {
            matching: grants.all.len(),
            online: 0,
            free: 0,
            ordinal: 1 + ahead,
            example: self.board.at(*first).key.name.clone(),
        };
        for (number, _) in &grants.all {
            let exporter = self.board.at(*number).uid;
            if now.is_connected(exporter) {
                position.online += 1;
                position.free += usize::from(now.is_free(exporter));
            }
        }
        let why = match (position.online, position.free) {
            (0, _) => Waiting::Offline,
            (_, 0) => Waiting::NotAvailable,
            _ => Waiting::NotReady,
        };
        Some((why, position))
    }

    /// Copies the answers of another queue with the same leases.
    pub fn adopt(&mut self, other: &Self) {
        if self.stale {
            self.clone_from(other);
        }
        for request in self.unanswered.drain(..) {
            if let Some(class) = self.classes.get_mut(&*request)
                && let Some(known) = other.classes.get(&*request)
            {
                class.answer.clone_from(&known.answer);
            }
        }
        self.newcomers.clear();
    }

    /// How many leases ahead of this turn want one of the same exporters: the most for any one
    /// exporter.
    fn ahead(&self, grants: &Grants, turn: Turn) -> usize {
        let mut ahead = vec![0; self.board.len()];
        for class in self.classes.values() {
            let Some(theirs) = class.grants() else {
                continue;
            };
            if !theirs.set.meets(&grants.set) {
                continue;
            }
            let before = match theirs.best.cmp(&grants.best) {
                std::cmp::Ordering::Greater => class.waiting.len(),
                std::cmp::Ordering::Equal => class.waiting.range(..turn).count(),
                std::cmp::Ordering::Less => continue,
            };
            for number in theirs.set.common(&grants.set) {
                ahead[number] += before;
            }
        }
        ahead.into_iter().max().unwrap_or_default()
    }

    fn join(&mut self, lease: Arc<Lease>, request: LeaseRequest) {
        let request = match self.classes.get_key_value(&request) {
            Some((request, _)) => Arc::clone(request),
            None => {
                let request = Arc::new(request);
                self.unanswered.push(Arc::clone(&request));
                request
            }
        };
        let class = self.classes.entry(Arc::clone(&request)).or_default();
        class.waiting.insert(turn(&lease));
        self.waiting.insert(lease.uid, Waiter { lease, request });
    }

    /// Answers new requests; if out of date, all requests.
    fn refresh(&mut self, now: &Snapshot<'_>) {
        if self.stale {
            self.start_over(now);
        }
        for request in std::mem::take(&mut self.unanswered) {
            if let Some(class) = self.classes.get_mut(&*request) {
                class.answer = Some(answer(&request, &self.board, &self.policies));
            }
        }
    }

    fn start_over(&mut self, now: &Snapshot<'_>) {
        self.board = Arc::new(Board::of(now, &self.namespace));
        let policies = now.policies.values();
        self.policies = policies
            .filter(|policy| policy.key.namespace == self.namespace)
            .cloned()
            .collect();
        self.policies
            .sort_by(|one, other| one.key.name.cmp(&other.key.name));
        let clients = now.clients.values();
        let clients: HashMap<&str, &Client> = clients
            .filter(|client| client.key.namespace == self.namespace)
            .map(|client| (client.key.name.as_str(), client.as_ref()))
            .collect();
        self.classes.clear();
        self.unanswered.clear();
        for Waiter { lease, .. } in std::mem::take(&mut self.waiting).into_values() {
            let owner = clients.get(lease.owner.as_str()).copied();
            let request = LeaseRequest::of(&lease, owner, &self.policies);
            self.join(lease, request);
        }
        self.stale = false;
    }
}

// === impl Class ===

impl Class {
    /// The grants, if there is an answer and it has any.
    fn grants(&self) -> Option<&Grants> {
        match &self.answer {
            Some(Ok(grants)) => Some(grants),
            _ => None,
        }
    }
}

// === impl Head ===

impl<'a> Head<'a> {
    fn of(grants: &'a Grants, waiting: btree_set::Iter<'a, Turn>) -> Self {
        Self {
            grants,
            behind: waiting,
        }
    }

    /// Puts the next lease of the class among the first of all classes.
    fn line_up(mut self, heads: &mut BTreeMap<Rank, Self>) {
        if let Some(turn) = self.behind.next() {
            let rank = (std::cmp::Reverse(self.grants.best), *turn);
            heads.insert(rank, self);
        }
    }
}
