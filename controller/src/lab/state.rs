//! Everything that is true now: exporters, clients, policies, credentials, and the leases that have not
//! ended. Two of these exist: one that the lab works on, and one that the world sees, which is behind by
//! what the database does not have yet.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Client, Credential, Exporter, Key, Lease, Policy, Time, Uid};
use crate::schedule::{Place, Waiting};
use crate::store::{Change, Loaded};

/// Objects by uid, and their uids by name.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    all: HashMap<Uid, Arc<T>>,
    names: HashMap<Key, Uid>,
}

/// What objects of a kind have in common.
pub(super) trait Object {
    fn uid(&self) -> Uid;
    fn key(&self) -> &Key;
}

/// What is true.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) exporters: Named<Exporter>,
    pub(super) clients: Named<Client>,
    pub(super) policies: Named<Policy>,
    /// Those that have not ended.
    pub(super) leases: Named<Lease>,
    pub(super) credentials: HashMap<String, Arc<Credential>>,
    /// The active lease of each exporter that has one.
    pub(super) held: HashMap<Uid, Uid>,
    /// When each exporter was leased last.
    pub(super) used: HashMap<Uid, Time>,
    /// Since when the last in the queue waits.
    pub(super) last_turn: Time,
    /// How it looks for each lease that waits; nowhere but in memory.
    pub(super) places: HashMap<Uid, (Waiting, Place)>,
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
        // Another of the same name may have come.
        if self.names.get(object.key()) == Some(&uid) {
            self.names.remove(object.key());
        }
        Some(object)
    }
}

// === impl State ===

impl State {
    /// As the database has it.
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
            places: HashMap::new(),
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
            Change::Exporter(exporter) => self.exporters.put(exporter),
            Change::NoExporter(uid) => {
                self.exporters.remove(*uid);
                self.used.remove(uid);
                self.credentials
                    .retain(|_, credential| credential.owner != *uid);
            }
            Change::Client(client) => self.clients.put(client),
            Change::NoClient(uid) => {
                self.clients.remove(*uid);
                self.credentials
                    .retain(|_, credential| credential.owner != *uid);
            }
            Change::Policy(policy) => self.policies.put(policy),
            Change::NoPolicy(uid) => {
                self.policies.remove(*uid);
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
        let exporter = lease.exporter.as_ref().map(|exporter| exporter.uid);
        if lease.has_ended() {
            self.leases.remove(lease.uid);
            self.places.remove(&lease.uid);
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
            self.places.remove(&lease.uid);
        }
        if let Some(since) = lease.eligible_since {
            self.last_turn = self.last_turn.max(since);
        }
        self.leases.put(lease);
    }

    /// The place in the queue of whoever comes now: behind everybody else, even if many come at once,
    /// or the clock was set back.
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

    /// Where anything is.
    pub(super) fn namespaces(&self) -> BTreeSet<&str> {
        let exporters = self.exporters.iter().map(|exporter| &exporter.key);
        let clients = self.clients.iter().map(|client| &client.key);
        let leases = self.leases.iter().map(|lease| &lease.key);
        let all = exporters.chain(clients).chain(leases);
        all.map(|key| key.namespace.as_str()).collect()
    }
}
