//! Stories of a database on a real disk.

#![allow(clippy::unwrap_used)]

mod copies;
mod damage;
mod faults;
mod past;
mod readers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::model::samples::{exporter, lease};
use crate::model::{EndReason, LeaseState};

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("controller.db")
}

/// A lease that ended at this time.
fn ended(name: &str, at: Time) -> Change {
    Change::Lease(Arc::new(Lease {
        state: LeaseState::Ended,
        ended: Some(at),
        end_reason: Some(EndReason::Released),
        ..lease(name, "board=x")
    }))
}

fn happened(name: &str, at: Time) -> Change {
    Change::Audit(Event {
        at,
        actor: "admin:test".to_owned(),
        what: "LeaseCreated",
        kind: "lease",
        object: Key::new("lab", name),
        detail: "by hand".to_owned(),
    })
}

/// An exporter, two leases that wait, one that has ended.
async fn fill(store: &Store) {
    let changes = [
        Change::Exporter(Arc::new(exporter("a", "board=x"))),
        Change::Lease(Arc::new(lease("1", "board=x"))),
        Change::Lease(Arc::new(lease("2", "board=x"))),
        ended("3", Time(5)),
        happened("1", Time(4)),
    ];
    store.commit(changes.into()).await.unwrap();
}

async fn all_leases(store: &Store) -> Vec<String> {
    let query = LeaseQuery {
        namespace: "lab".to_owned(),
        ended: true,
        ..LeaseQuery::default()
    };
    let leases = store.leases(query).await.unwrap();
    leases.iter().map(|lease| lease.key.name.clone()).collect()
}

/// The error on opening; every error says what to do.
fn refusal(path: &Path) -> String {
    Store::open(path).unwrap_err().to_string()
}

/// Waits until the writer is done with the file.
async fn closed(store: Store) {
    let journal = open::beside(store.path(), "-wal");
    drop(store);
    while journal.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// A database that was used and is closed.
async fn used(path: &Path) {
    let store = Store::open(path).unwrap();
    fill(&store).await;
    closed(store).await;
}
