//! The state of exporters for whoever watches it: Status streams, clients that dial, the router.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::state::State;
use crate::model::{Labels, Reported, Uid};
use crate::store::Change;

/// What an exporter is assigned to, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExporterState {
    /// The lease it serves.
    pub assignment: Option<Assignment>,
    /// The status it reports.
    pub reported: Option<Reported>,
    /// Whether it is connected.
    pub online: bool,
    /// Whether it has been deleted.
    pub gone: bool,
}

/// A lease, as its exporter needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The uid of the lease.
    pub uid: Uid,
    /// The name of the lease.
    pub lease: String,
    /// The name of the client that owns it.
    pub client: String,
    /// Fields for the exporter's log lines.
    pub context: Labels,
}

/// A sender for each exporter that is watched.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchers(Arc<Mutex<HashMap<Uid, watch::Sender<ExporterState>>>>);

// === impl Watchers ===

impl Watchers {
    /// Watches an exporter; the first state is there already.
    pub(super) fn watch(&self, state: &State, uid: Uid) -> watch::Receiver<ExporterState> {
        let mut all = self.lock();
        // Forgets exporters that nobody watches any more.
        if all.len() > 64 && all.len() > 2 * state.exporters.iter().count() {
            all.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = all
            .entry(uid)
            .or_insert_with(|| watch::Sender::new(ExporterState::default()));
        let receiver = sender.subscribe();
        sender.send_if_modified(|known| replace(known, exporter_state(state, uid)));
        receiver
    }

    /// Sends the new states of the exporters that these changes concern.
    pub(super) fn tell(&self, state: &State, changes: &[Change]) {
        let all = self.lock();
        if all.is_empty() {
            return;
        }
        for change in changes {
            let uid = match change {
                Change::Exporter(exporter) => exporter.uid,
                Change::NoExporter(uid) => *uid,
                Change::Lease(lease) => match &lease.exporter {
                    Some(exporter) => exporter.uid,
                    None => continue,
                },
                _ => continue,
            };
            if let Some(sender) = all.get(&uid) {
                sender.send_if_modified(|known| replace(known, exporter_state(state, uid)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, watch::Sender<ExporterState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replace(known: &mut ExporterState, new: ExporterState) -> bool {
    let is_new = *known != new;
    *known = new;
    is_new
}

fn exporter_state(state: &State, uid: Uid) -> ExporterState {
    let Some(exporter) = state.exporters.get(uid) else {
        return ExporterState {
            gone: true,
            ..ExporterState::default()
        };
    };
    ExporterState {
        assignment: state.lease_on(uid).map(|lease| Assignment {
            uid: lease.uid,
            lease: lease.key.name.clone(),
            client: lease.owner.clone(),
            context: lease.context.clone(),
        }),
        reported: exporter.reported.clone(),
        online: exporter.online,
        gone: false,
    }
}
