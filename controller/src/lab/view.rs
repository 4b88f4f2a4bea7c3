//! Reading the lab. Open leases and all other objects are in memory, ended leases in the database.

use std::collections::HashMap;
use std::sync::Arc;

use jumpstarter_proto::selector::Selector;
use tokio::sync::watch;

use super::state::Object;
use super::watch::ExporterState;
use super::{Lab, LabError};
use crate::model::{Client, Exporter, Key, Lease, LeaseState, Policy, Time, Uid};
use crate::schedule::{QueuePosition, Waiting};

/// How many queue positions are worked out at a stretch, while the lab cannot publish.
const AT_ONCE: usize = 250;

/// A part of a long list, which is ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only names after this one.
    pub after: Option<String>,
    /// At most this many; `None` is all.
    pub most: Option<usize>,
}

/// Selects leases for a list.
#[derive(Clone, Debug, Default)]
pub struct LeaseQuery {
    pub namespace: String,
    /// What their labels must be, see [`Lease::labels`].
    pub labels: Selector,
    /// Whether to include leases that have ended.
    pub ended: bool,
    /// Which part of the list.
    pub page: Page,
}

// === impl Lab ===

impl Lab {
    /// The exporter of this name.
    pub fn exporter(&self, key: &Key) -> Option<Arc<Exporter>> {
        self.read().exporters.named(key).cloned()
    }

    /// The exporter with this uid.
    pub fn exporter_of(&self, uid: Uid) -> Option<Arc<Exporter>> {
        self.read().exporters.get(uid).cloned()
    }

    /// When an exporter was last heard of.
    pub fn last_seen(&self, exporter: &Exporter) -> Option<Time> {
        self.presence.last(exporter.uid).or(exporter.last_seen)
    }

    /// Exporters of a namespace, ordered by name.
    pub fn exporters(&self, namespace: &str, labels: &Selector, page: &Page) -> Vec<Arc<Exporter>> {
        let mut all: Vec<_> = its(namespace, self.read().exporters.iter());
        all.retain(|exporter| labels.matches(|key| exporter.label(key)));
        cut(all, page)
    }

    /// The client of this name.
    pub fn client(&self, key: &Key) -> Option<Arc<Client>> {
        self.read().clients.named(key).cloned()
    }

    /// Clients of a namespace, ordered by name.
    pub fn clients(&self, namespace: &str, page: &Page) -> Vec<Arc<Client>> {
        let all = its(namespace, self.read().clients.iter());
        cut(all, page)
    }

    /// Policies of a namespace, ordered by name.
    pub fn policies(&self, namespace: &str) -> Vec<Arc<Policy>> {
        let all = its(namespace, self.read().policies.iter());
        cut(all, &Page::default())
    }

    /// The lease of this name, ended or not.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn lease(&self, key: &Key) -> Result<Option<Arc<Lease>>, LabError> {
        let open = self.read().leases.named(key).cloned();
        match open {
            Some(lease) => Ok(Some(lease)),
            None => {
                let ended = self.store.lease(key.clone()).await;
                ended.map_err(|error| LabError::Store(Arc::new(error)))
            }
        }
    }

    /// Leases, ordered by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn leases(&self, query: LeaseQuery) -> Result<Vec<Arc<Lease>>, LabError> {
        if query.ended {
            let all = self.store.leases(query).await;
            return all.map_err(|error| LabError::Store(Arc::new(error)));
        }
        let mut all: Vec<_> = its(&query.namespace, self.read().leases.iter());
        if !query.labels.is_empty() {
            all.retain(|lease| {
                let labels = lease.labels();
                let label = |key: &str| labels.get(key).map(String::as_str);
                query.labels.matches(label)
            });
        }
        Ok(cut(all, &query.page))
    }

    /// What a lease waits for, and where in the queue; `None` if it does not wait.
    pub fn queue_position(&self, lease: &Lease) -> Option<(Waiting, QueuePosition)> {
        match lease.state {
            LeaseState::Pending => self.read().queue_position(lease),
            _ => None,
        }
    }

    /// The same for many leases of one namespace.
    pub async fn queue_positions(
        &self,
        leases: &[Arc<Lease>],
    ) -> HashMap<Uid, (Waiting, QueuePosition)> {
        let waiting = leases
            .iter()
            .filter(|lease| lease.state == LeaseState::Pending);
        let waiting: Vec<&Arc<Lease>> = waiting.collect();
        let mut positions = HashMap::new();
        for some in waiting.chunks(AT_ONCE) {
            let uids: Vec<Uid> = some.iter().map(|lease| lease.uid).collect();
            positions.extend(self.read().queue_positions(&some[0].key.namespace, &uids));
            // Lets the lab publish, and other tasks run.
            tokio::task::yield_now().await;
        }
        positions
    }

    /// The lease that an exporter serves.
    pub fn lease_on(&self, exporter: Uid) -> Option<Arc<Lease>> {
        self.read().lease_on(exporter).cloned()
    }

    /// Watches the state of an exporter. Of changes in quick succession only the last is seen.
    pub fn watch(&self, exporter: Uid) -> watch::Receiver<ExporterState> {
        self.watchers.watch(&self.read(), exporter)
    }

    /// All namespaces with objects.
    pub fn namespaces(&self) -> Vec<String> {
        let state = self.read();
        let all = state.namespaces().into_iter();
        all.map(str::to_owned).collect()
    }
}

/// The objects of a namespace, cloned, so that the state is locked only shortly; slower work is done on
/// the clones.
fn its<'a, T: Object + 'a>(namespace: &str, all: impl Iterator<Item = &'a Arc<T>>) -> Vec<Arc<T>> {
    all.filter(|object| object.key().namespace == namespace)
        .cloned()
        .collect()
}

fn cut<T: Object>(mut all: Vec<Arc<T>>, page: &Page) -> Vec<Arc<T>> {
    if let Some(after) = &page.after {
        all.retain(|object| object.key().name > *after);
    }
    all.sort_by(|one, other| one.key().name.cmp(&other.key().name));
    all.truncate(page.most.unwrap_or(usize::MAX));
    all
}
