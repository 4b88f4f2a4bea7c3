//! Numbers about the lab, for whoever watches it from afar.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Lab;
use crate::model::LeaseState;
use crate::store::Change;

/// How many there are of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Clients.
    pub clients: usize,
    /// Exporters.
    pub exporters: Exporters,
    /// Leases that have not ended.
    pub leases: Leases,
    /// What was recorded since the start, by the word for it.
    pub happened: BTreeMap<&'static str, u64>,
}

/// How many exporters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exporters {
    /// All.
    pub all: usize,
    /// Those that are connected.
    pub online: usize,
    /// Those that are disabled.
    pub disabled: usize,
    /// Those that serve a lease.
    pub leased: usize,
}

/// How many leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// Those that have an exporter.
    pub active: usize,
    /// Those that wait for one.
    pub pending: usize,
    /// Those whose time has not come.
    pub scheduled: usize,
}

/// Counts what the database has on record.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

// === impl Lab ===

impl Lab {
    /// Counts.
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
