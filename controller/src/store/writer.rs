//! The one thread that writes.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::retention::{self, Retention};
use super::{Change, StoreError, rows};
use crate::model::Time;

/// What the writing thread is asked to do.
pub(super) enum Order {
    /// Write these changes in one transaction.
    Commit {
        changes: Arc<[Change]>,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Delete a little of the past; the answer is whether there may be more.
    Forget {
        retention: Retention,
        now: Time,
        answer: oneshot::Sender<Result<bool, StoreError>>,
    },
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: mpsc::Receiver<Order>,
    pub(super) path: Arc<PathBuf>,
}

// === impl Writer ===

impl Writer {
    /// Runs until the last sender of orders is gone.
    pub(super) fn run(mut self) {
        while let Some(order) = self.queue.blocking_recv() {
            // A caller that has gone does not get the answer; the change stays.
            match order {
                Order::Commit { changes, answer } => {
                    let written = self.write(&changes);
                    drop(answer.send(written.map_err(|error| error.at(&self.path))));
                }
                Order::Forget {
                    retention,
                    now,
                    answer,
                } => {
                    let more = retention::forget(&mut self.connection, &retention, now);
                    drop(answer.send(more.map_err(|error| error.at(&self.path))));
                }
            }
        }
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
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
        Change::NoCredential(jti) => rows::credential::remove(transaction, jti),
        Change::Seen(seen) => rows::exporter::seen(transaction, seen),
        Change::Audit(event) => rows::audit::put(transaction, event),
    }
}
