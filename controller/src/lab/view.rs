//! What there is to see. What has not ended is in memory, the rest is read from the database.

use std::collections::HashMap;
use std::sync::Arc;

use jumpstarter_proto::selector::Selector;
use tokio::sync::watch;

use super::state::Object;
use super::watch::ExporterState;
use super::{Lab, LabError};
use crate::model::{Client, Exporter, Key, Lease, LeaseState, Policy, Time, Uid};
use crate::schedule::{QueuePosition, Waiting};

/// So many places are worked out before somebody else has a turn.
const AT_ONCE: usize = 250;

/// A part of a long list, in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only names after this one.
    pub after: Option<String>,
    /// No more than this; none is all.
    pub most: Option<usize>,
}

/// Which leases.
#[derive(Clone, Debug, Default)]
pub struct LeaseQuery {
    /// Where.
    pub namespace: String,
    /// What their labels say, see [`Lease::labels`].
    pub labels: Selector,
    /// Whether those that have ended are wanted, too.
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

    /// The exporter of this incarnation.
    pub fn exporter_of(&self, uid: Uid) -> Option<Arc<Exporter>> {
        self.read().exporters.get(uid).cloned()
    }

    /// When it was last there.
    pub fn last_seen(&self, exporter: &Exporter) -> Option<Time> {
        self.presence.last(exporter.uid).or(exporter.last_seen)
    }

    /// Exporters of a namespace in the order of names.
    pub fn exporters(&self, namespace: &str, labels: &Selector, page: &Page) -> Vec<Arc<Exporter>> {
        let mut all: Vec<_> = its(namespace, self.read().exporters.iter());
        all.retain(|exporter| labels.matches(|key| exporter.label(key)));
        cut(all, page)
    }

    /// The client of this name.
    pub fn client(&self, key: &Key) -> Option<Arc<Client>> {
        self.read().clients.named(key).cloned()
    }

    /// Clients of a namespace in the order of names.
    pub fn clients(&self, namespace: &str, page: &Page) -> Vec<Arc<Client>> {
        let all = its(namespace, self.read().clients.iter());
        cut(all, page)
    }

    /// Policies of a namespace in the order of names.
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

    /// Leases in the order of names.
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

    /// What a lease waits for, if it waits, and how it looks.
    pub fn queue_position(&self, lease: &Lease) -> Option<(Waiting, QueuePosition)> {
        match lease.state {
            LeaseState::Pending => self.read().queue_position(lease),
            _ => None,
        }
    }

    /// The same for a list of one namespace.
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
            // Others have waited to show something newer, or to be served.
            tokio::task::yield_now().await;
        }
        positions
    }

    /// The lease that an exporter serves.
    pub fn lease_on(&self, exporter: Uid) -> Option<Arc<Lease>> {
        self.read().lease_on(exporter).cloned()
    }

    /// What becomes of an exporter from now on. Of changes in quick succession only the last is seen.
    pub fn watch(&self, exporter: Uid) -> watch::Receiver<ExporterState> {
        self.watchers.watch(&self.read(), exporter)
    }

    /// Where anything is.
    pub fn namespaces(&self) -> Vec<String> {
        let state = self.read();
        let all = state.namespaces().into_iter();
        all.map(str::to_owned).collect()
    }
}

/// What is in a namespace. Nothing else is done while the lab is kept from showing something newer:
/// whatever takes longer is done with these.
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
