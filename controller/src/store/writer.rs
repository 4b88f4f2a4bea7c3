//! The one thread that writes.

use std::sync::Arc;

use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot};

use super::{Change, StoreError, rows};

/// Changes that belong together.
pub(super) struct Order {
    pub(super) changes: Arc<[Change]>,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

pub(super) struct Writer {
    connection: Connection,
    queue: mpsc::Receiver<Order>,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(connection: Connection, queue: mpsc::Receiver<Order>) -> Self {
        Self { connection, queue }
    }

    /// Runs until nobody can order any more.
    pub(super) fn run(mut self) {
        while let Some(Order { changes, answer }) = self.queue.blocking_recv() {
            let written = self.write(&changes);
            // Whoever asked may be gone; what is written stays written.
            drop(answer.send(written));
        }
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for change in changes {
            apply(&transaction, change)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Exporter(exporter) => rows::exporter::put(transaction, exporter),
        Change::NoExporter(uid) => {
            rows::credential::remove_of(transaction, *uid)?;
            rows::exporter::remove(transaction, *uid)
        }
        Change::Client(client) => rows::client::put(transaction, client),
        Change::NoClient(uid) => {
            rows::credential::remove_of(transaction, *uid)?;
            rows::client::remove(transaction, *uid)
        }
        Change::Policy(policy) => rows::policy::put(transaction, policy),
        Change::NoPolicy(uid) => rows::policy::remove(transaction, *uid),
        Change::Lease(lease) => rows::lease::put(transaction, lease),
        Change::Credential(credential) => rows::credential::put(transaction, credential),
        Change::Seen(seen) => rows::exporter::seen(transaction, seen),
        Change::Audit(event) => rows::audit::put(transaction, event),
    }
}
