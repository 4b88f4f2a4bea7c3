//! Numbers about the lab, for metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Lab;
use crate::model::LeaseState;
use crate::store::Change;

/// The numbers of a lab at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub clients: usize,
    pub exporters: Exporters,
    /// Leases that have not ended.
    pub leases: Leases,
    /// How often each event was recorded since the start, by its word, as `LeaseGranted`.
    pub happened: BTreeMap<&'static str, u64>,
}

/// Numbers of exporters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exporters {
    /// All there are.
    pub all: usize,
    /// Those that are connected.
    pub online: usize,
    /// Those that are disabled.
    pub disabled: usize,
    /// Those that serve a lease.
    pub leased: usize,
}

/// Numbers of leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// With an exporter.
    pub active: usize,
    /// Waiting for an exporter.
    pub pending: usize,
    /// Not to begin yet.
    pub scheduled: usize,
}

/// Counts the audit events that are committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

// === impl Lab ===

impl Lab {
    /// Counts what is in the published state.
    pub fn census(&self) -> Census {
        let state = self.read();
        let mut census = Census {
            clients: state.clients.iter().count(),
            happened: self.tally.lock().clone(),
            ..Census::default()
        };
        let exporters = &mut census.exporters;
        for exporter in state.exporters.iter() {
            exporters.all += 1;
            exporters.online += usize::from(exporter.online);
            exporters.disabled += usize::from(!exporter.enabled);
            exporters.leased += usize::from(state.lease_on(exporter.uid).is_some());
        }
        let leases = &mut census.leases;
        for lease in state.leases.iter() {
            match lease.state {
                LeaseState::Active => leases.active += 1,
                LeaseState::Pending => leases.pending += 1,
                LeaseState::Scheduled => leases.scheduled += 1,
                LeaseState::Ended => {}
            }
        }
        census
    }
}

// === impl Tally ===

impl Tally {
    pub(super) fn count(&self, changes: &[Change]) {
        let mut counts = self.lock();
        for change in changes {
            if let Change::Audit(event) = change {
                *counts.entry(event.what).or_default() += 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
