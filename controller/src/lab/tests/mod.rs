//! Stories of a lab on a real database.

#![allow(clippy::unwrap_used)]

mod chance;
mod clocks;
mod crash;
mod exporters;
mod figures;
mod full;
mod health;
mod killed;
mod leases;
mod past;
mod queue;
mod queues;
mod simulation;

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use tempfile::TempDir;

use super::*;
use crate::model::samples::labels;
use crate::model::{
    ConditionType, Device, EndReason, Exporter, Key, Labels, Lease, LeaseState, Length, Reported,
    Rule, Time, Wish,
};
use crate::store::Store;

const ADMIN: &str = "admin:test";

/// A lab and its folder.
struct Bench {
    lab: Lab,
    running: Running,
    folder: TempDir,
}

fn key(name: &str) -> Key {
    Key::new("lab", name)
}

fn reported(status: ExporterStatus) -> Reported {
    Reported {
        status,
        message: String::new(),
    }
}

fn minutes(minutes: i64) -> Length {
    Length {
        micros: minutes * 60_000_000,
    }
}

fn wanted(owner: &str, selector: &str) -> NewLease {
    NewLease {
        namespace: "lab".to_owned(),
        name: None,
        owner: owner.to_owned(),
        selector: selector.parse().unwrap(),
        pinned: None,
        allow_disabled: false,
        wish: Wish {
            duration: Some(minutes(1)),
            ..Wish::default()
        },
        tags: Labels::new(),
        context: Labels::new(),
        most_tags: 10,
    }
}

fn condition(lease: &Lease, kind: ConditionType) -> Option<(bool, &str)> {
    let condition = lease.conditions.get(kind)?;
    Some((condition.holds, &condition.reason))
}

// === impl Bench ===

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(folder).await
    }

    async fn open(folder: TempDir) -> Self {
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        let (lab, running) = Lab::open(store).await.unwrap();
        Self {
            lab,
            running,
            folder,
        }
    }

    /// Ends the lab in good order and opens it again.
    async fn again(self) -> Self {
        let Self {
            lab,
            running,
            folder,
        } = self;
        drop(lab);
        running.ended().await;
        Self::open(folder).await
    }

    async fn client(&self, name: &str) {
        let new = NewClient {
            key: key(name),
            labels: labels("team=apps"),
            username: None,
            migrated: None,
            provisioned: false,
        };
        self.lab.create_client(new, ADMIN).await.unwrap();
    }

    /// An exporter that is registered, there for as long as the guard is kept, and available.
    async fn exporter(&self, name: &str, text: &str) -> (Arc<Exporter>, Present) {
        let new = NewExporter {
            key: key(name),
            labels: labels(text),
            username: None,
            migrated: None,
        };
        let exporter = self.lab.create_exporter(new, ADMIN).await.unwrap();
        let device = Device {
            uuid: name.to_owned(),
            parent: None,
            labels: Labels::new(),
        };
        let told = labels("jumpstarter.dev/name=x,other=y");
        self.lab
            .register(exporter.uid, told, vec![device])
            .await
            .unwrap();
        let present = self.lab.arrive(exporter.uid).await.unwrap();
        self.report(&exporter, ExporterStatus::Available).await;
        (exporter, present)
    }

    async fn report(&self, exporter: &Exporter, status: ExporterStatus) {
        let said = self.lab.report(exporter.uid, reported(status), false);
        said.await.unwrap();
    }

    async fn lease(&self, owner: &str, selector: &str) -> Arc<Lease> {
        self.lab
            .create_lease(wanted(owner, selector))
            .await
            .unwrap()
    }

    /// The lease as it is now.
    async fn now(&self, lease: &Lease) -> Arc<Lease> {
        self.lab.lease(&lease.key).await.unwrap().unwrap()
    }

    async fn release(&self, lease: &Lease) {
        let by = By::Client(lease.owner.clone());
        self.lab.release_lease(lease.key.clone(), by).await.unwrap();
    }
}

fn micros_from_now(micros: i64) -> Time {
    Time(Time::now().0 + micros)
}

fn short() -> Duration {
    Duration::from_millis(20)
}
