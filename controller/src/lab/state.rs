//! The current objects: exporters, clients, policies, credentials, and the leases that have not ended.
//! There are two of these: the working state, and the published one, which lacks what is not committed
//! yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Client, Credential, Exporter, Key, Lease, LeaseState, Policy, Time, Uid};
use crate::schedule::{Decision, Queue, QueuePosition, Snapshot, Waiting};
use crate::store::{Change, Loaded};

/// Objects by uid, with an index by name.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    all: HashMap<Uid, Arc<T>>,
    names: HashMap<Key, Uid>,
}

/// What all kinds of objects have in common.
pub(super) trait Object {
    fn uid(&self) -> Uid;
    fn key(&self) -> &Key;
}

/// The objects, and what follows from them.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) exporters: Named<Exporter>,
    pub(super) clients: Named<Client>,
    pub(super) policies: Named<Policy>,
    /// Leases that have not ended.
    pub(super) leases: Named<Lease>,
    pub(super) credentials: HashMap<String, Arc<Credential>>,
    /// The active lease of each exporter that has one.
    pub(super) held: HashMap<Uid, Uid>,
    /// When each exporter was last leased.
    pub(super) used: HashMap<Uid, Time>,
    /// The queue time of the last lease in the queue.
    pub(super) last_turn: Time,
    /// The number of open leases of each owner.
    owners: HashMap<Key, usize>,
    /// The waiting leases of each namespace.
    queues: HashMap<String, Queue>,
    /// When leases begin to wait, or end, by the wall clock.
    due: BTreeSet<(Time, Uid)>,
}

/// When time will change a lease next.
fn due(lease: &Lease) -> Option<Time> {
    match lease.state {
        LeaseState::Scheduled => lease.not_before,
        LeaseState::Pending | LeaseState::Ended => None,
        LeaseState::Active => lease.end(),
    }
}

fn owner(lease: &Lease) -> Key {
    Key::new(&lease.key.namespace, &lease.owner)
}

/// Whether two versions of an exporter are the same to selectors and policies.
fn is_offered_alike(one: &Exporter, other: &Exporter) -> bool {
    (one.enabled, &one.labels, &one.told) == (other.enabled, &other.labels, &other.told)
}

// === impl Object ===

macro_rules! object {
    ($($kind:ty),*) => {
        $(impl Object for $kind {
            fn uid(&self) -> Uid {
                self.uid
            }

            fn key(&self) -> &Key {
                &self.key
            }
        })*
    };
}

object!(Exporter, Client, Policy, Lease);

// === impl Named ===

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            names: HashMap::new(),
        }
    }
}

impl<T: Object> Named<T> {
    pub(super) fn get(&self, uid: Uid) -> Option<&Arc<T>> {
        self.all.get(&uid)
    }

    pub(super) fn named(&self, key: &Key) -> Option<&Arc<T>> {
        self.all.get(self.names.get(key)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.all.values()
    }

    fn put(&mut self, object: &Arc<T>) {
        self.names.insert(object.key().clone(), object.uid());
        self.all.insert(object.uid(), Arc::clone(object));
    }

    fn remove(&mut self, uid: Uid) -> Option<Arc<T>> {
        let object = self.all.remove(&uid)?;
        // Another object of the same name may have come since.
        if self.names.get(object.key()) == Some(&uid) {
            self.names.remove(object.key());
        }
        Some(object)
    }
}

// === impl State ===

impl State {
    /// The state that is in the database.
    pub(super) fn of(loaded: &Loaded) -> Self {
        let mut state = Self {
            exporters: Named::default(),
            clients: Named::default(),
            policies: Named::default(),
            leases: Named::default(),
            credentials: HashMap::new(),
            held: HashMap::new(),
            used: HashMap::new(),
            last_turn: Time(0),
            owners: HashMap::new(),
            queues: HashMap::new(),
            due: BTreeSet::new(),
        };
        for exporter in &loaded.exporters {
            state.exporters.put(exporter);
        }
        for client in &loaded.clients {
            state.clients.put(client);
        }
        for policy in &loaded.policies {
            state.policies.put(policy);
        }
        for credential in &loaded.credentials {
            state.put_credential(credential);
        }
        state.used.extend(loaded.used.iter().copied());
        for lease in &loaded.leases {
            state.put_lease(lease);
        }
        state
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Exporter(exporter) => {
                let known = self.exporters.get(exporter.uid);
                if known.is_none_or(|known| !is_offered_alike(known, exporter)) {
                    self.unsettle(&exporter.key.namespace);
                }
                self.exporters.put(exporter);
            }
            Change::NoExporter(uid) => {
                if let Some(exporter) = self.exporters.remove(*uid) {
                    self.unsettle(&exporter.key.namespace);
                }
                self.used.remove(uid);
                self.credentials
                    .retain(|_, credential| credential.owner != *uid);
            }
            Change::Client(client) => {
                let known = self.clients.get(client.uid);
                if known.is_none_or(|known| known.labels != client.labels) {
                    self.unsettle_owner(client);
                }
                self.clients.put(client);
            }
            Change::NoClient(uid) => {
                if let Some(client) = self.clients.remove(*uid) {
                    self.unsettle_owner(&client);
                }
                self.credentials
                    .retain(|_, credential| credential.owner != *uid);
            }
            Change::Policy(policy) => {
                self.unsettle(&policy.key.namespace);
                self.policies.put(policy);
            }
            Change::NoPolicy(uid) => {
                if let Some(policy) = self.policies.remove(*uid) {
                    self.unsettle(&policy.key.namespace);
                }
            }
            Change::Lease(lease) => self.put_lease(lease),
            Change::Credential(credential) => self.put_credential(credential),
            Change::NoCredential(jti) => {
                self.credentials.remove(jti);
            }
            Change::Seen(seen) => {
                for (uid, at) in seen {
                    if let Some(exporter) = self.exporters.all.get_mut(uid) {
                        Arc::make_mut(exporter).last_seen = Some(*at);
                    }
                }
            }
            Change::Audit(_) => {}
        }
    }

    fn put_lease(&mut self, lease: &Arc<Lease>) {
        if let Some(known) = self.leases.get(lease.uid) {
            if let Some(due) = due(known) {
                self.due.remove(&(due, lease.uid));
            }
            let owner = owner(known);
            if let Some(count) = self.owners.get_mut(&owner) {
                *count -= 1;
                if *count == 0 {
                    self.owners.remove(&owner);
                }
            }
        }
        if !lease.has_ended() {
            *self.owners.entry(owner(lease)).or_default() += 1;
        }
        if let Some(due) = due(lease) {
            self.due.insert((due, lease.uid));
        }
        self.line_up(lease);
        let exporter = lease.exporter.as_ref().map(|exporter| exporter.uid);
        if lease.has_ended() {
            self.leases.remove(lease.uid);
            if let Some(exporter) = exporter
                && self.held.get(&exporter) == Some(&lease.uid)
            {
                self.held.remove(&exporter);
            }
            return;
        }
        if let (Some(exporter), Some(began)) = (exporter, lease.began) {
            self.held.insert(exporter, lease.uid);
            let used = self.used.entry(exporter).or_insert(began);
            *used = began.max(*used);
        }
        if let Some(since) = lease.eligible_since {
            self.last_turn = self.last_turn.max(since);
        }
        self.leases.put(lease);
    }

    /// How many leases of this owner have not ended.
    pub(super) fn open_leases(&self, namespace: &str, owner: &str) -> usize {
        let owner = Key::new(namespace, owner);
        self.owners.get(&owner).copied().unwrap_or_default()
    }

    /// Puts a lease into its queue if it waits, else takes it out.
    fn line_up(&mut self, lease: &Arc<Lease>) {
        let namespace = &lease.key.namespace;
        if lease.state != LeaseState::Pending {
            if let Some(queue) = self.queues.get_mut(namespace) {
                queue.remove(lease.uid);
            }
            return;
        }
        let owner = self.clients.named(&Key::new(namespace, &lease.owner));
        let owner = owner.map(AsRef::as_ref);
        match self.queues.get_mut(namespace) {
            Some(queue) => queue.put(lease, owner),
            None => {
                let mut queue = Queue::new(namespace);
                queue.put(lease, owner);
                self.queues.insert(namespace.clone(), queue);
            }
        }
    }

    /// Has the queue of a namespace work out again which exporters its leases may have.
    fn unsettle(&mut self, namespace: &str) {
        if let Some(queue) = self.queues.get_mut(namespace) {
            queue.unsettle();
        }
    }

    fn unsettle_owner(&mut self, client: &Client) {
        if let Some(queue) = self.queues.get_mut(&client.key.namespace)
            && queue.concerns(client)
        {
            queue.unsettle();
        }
    }

    /// What the schedule looks at.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            exporters: &self.exporters.all,
            clients: &self.clients.all,
            policies: &self.policies.all,
            held: &self.held,
            used: &self.used,
        }
    }

    /// What to do about the waiting leases of a namespace.
    pub(super) fn decide(&mut self, namespace: &str) -> Vec<Decision> {
        // Not `snapshot`, which would borrow the queues, too.
        let snapshot = Snapshot {
            exporters: &self.exporters.all,
            clients: &self.clients.all,
            policies: &self.policies.all,
            held: &self.held,
            used: &self.used,
        };
        let queue = self.queues.get_mut(namespace);
        queue.map_or_else(Vec::new, |queue| queue.decide(&snapshot))
    }

    /// The leases that have begun to wait in a namespace since the last call.
    pub(super) fn newcomers(&mut self, namespace: &str) -> Vec<Uid> {
        let queue = self.queues.get_mut(namespace);
        queue.map_or_else(Vec::new, Queue::newcomers)
    }

    /// What a lease waits for, and where in the queue; `None` if it does not wait.
    pub(super) fn queue_position(&self, lease: &Lease) -> Option<(Waiting, QueuePosition)> {
        let queue = self.queues.get(&lease.key.namespace)?;
        queue.queue_position(lease.uid, &self.snapshot())
    }

    /// The same for many leases of one namespace.
    pub(super) fn queue_positions(
        &self,
        namespace: &str,
        uids: &[Uid],
    ) -> HashMap<Uid, (Waiting, QueuePosition)> {
        let queue = self.queues.get(namespace);
        queue.map_or_else(HashMap::new, |queue| {
            queue.queue_positions(uids, &self.snapshot())
        })
    }

    /// Copies what the working state has worked out about the same queues.
    pub(super) fn adopt(&mut self, working: &Self) {
        for (namespace, queue) in &mut self.queues {
            if let Some(worked_out) = working.queues.get(namespace) {
                queue.adopt(worked_out);
            }
        }
    }

    /// The leases for which something is due, the longest overdue first.
    pub(super) fn due(&self, now: Time) -> Vec<Arc<Lease>> {
        let due = self.due.iter().take_while(|(due, _)| *due <= now);
        due.filter_map(|(_, uid)| self.leases.get(*uid).cloned())
            .collect()
    }

    /// When the next lease is due.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The queue time for a lease that begins to wait now: behind all others, even if many come at
    /// once, or the clock was set back.
    pub(super) fn next_turn(&self, now: Time) -> Time {
        now.max(Time(self.last_turn.0.saturating_add(1)))
    }

    fn put_credential(&mut self, credential: &Arc<Credential>) {
        self.credentials
            .insert(credential.jti.clone(), Arc::clone(credential));
    }

    /// The active lease of an exporter.
    pub(super) fn lease_on(&self, exporter: Uid) -> Option<&Arc<Lease>> {
        self.leases.get(*self.held.get(&exporter)?)
    }

    /// All namespaces with objects.
    pub(super) fn namespaces(&self) -> BTreeSet<&str> {
        let exporters = self.exporters.iter().map(|exporter| &exporter.key);
        let clients = self.clients.iter().map(|client| &client.key);
        let leases = self.leases.iter().map(|lease| &lease.key);
        let all = exporters.chain(clients).chain(leases);
        all.map(|key| key.namespace.as_str()).collect()
    }
}
