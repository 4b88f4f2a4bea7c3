//! Who wants to know what becomes of an exporter: its own Status stream, and clients that dial it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::state::State;
use crate::model::{Labels, Reported, Uid};
use crate::store::Change;

/// What an exporter is for, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The lease it serves.
    pub assignment: Option<Assignment>,
    /// What it says of itself.
    pub reported: Option<Reported>,
    /// Whether it is connected.
    pub online: bool,
    /// Whether it has been deleted.
    pub gone: bool,
}

/// A lease, as its exporter needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which.
    pub uid: Uid,
    /// Its name.
    pub lease: String,
    /// Whose it is.
    pub client: String,
    /// For the logs.
    pub context: Labels,
}

/// The watched exporters.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchers(Arc<Mutex<HashMap<Uid, watch::Sender<Sight>>>>);

// === impl Watchers ===

impl Watchers {
    /// From now on; the first sight is there already.
    pub(super) fn watch(&self, state: &State, uid: Uid) -> watch::Receiver<Sight> {
        let mut all = self.lock();
        // Those that nobody watches any more.
        if all.len() > 64 && all.len() > 2 * state.exporters.iter().count() {
            all.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = all
            .entry(uid)
            .or_insert_with(|| watch::Sender::new(Sight::default()));
        let receiver = sender.subscribe();
        sender.send_if_modified(|known| replace(known, sight(state, uid)));
        receiver
    }

    /// Tells those whom these changes concern.
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
                sender.send_if_modified(|known| replace(known, sight(state, uid)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, watch::Sender<Sight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replace(known: &mut Sight, sight: Sight) -> bool {
    let new = *known != sight;
    *known = sight;
    new
}

fn sight(state: &State, uid: Uid) -> Sight {
    let Some(exporter) = state.exporters.get(uid) else {
        return Sight {
            gone: true,
            ..Sight::default()
        };
    };
    Sight {
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
