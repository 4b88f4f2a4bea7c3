//! Makes a database with a long past, to see how a controller starts with it:
//!
//! ```text
//! cargo run --release -p jumpstarter-controller --example past -- FOLDER 1000000
//! jmp-controller --data-dir FOLDER run
//! ```

#![allow(clippy::print_stdout, reason = "it tells how long it took")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_controller::lab::Lab;
use jumpstarter_controller::model::{
    Conditions, EndReason, Exporter, ExporterRef, Key, Labels, Lease, LeaseState, Time, Uid,
};
use jumpstarter_controller::store::{Change, Event, Store};
use tokio::time::Instant;

const EXPORTERS: usize = 1000;
/// So many leases share a transaction.
const CHUNK: usize = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(leases)) = (arguments.next(), arguments.next()) else {
        return Err("usage: past FOLDER LEASES".into());
    };
    let leases: usize = leases.to_string_lossy().parse()?;
    std::fs::create_dir_all(&folder)?;
    let database = Path::new(&folder).join("controller.db");
    let start = Instant::now();
    fill(&Store::open(&database)?, leases).await?;
    println!("{leases} leases written in {:?}", start.elapsed());
    let start = Instant::now();
    let (lab, running) = Lab::open(Store::open(&database)?).await?;
    println!(
        "taken up in {:?}, with {} exporters",
        start.elapsed(),
        lab.census().exporters.all
    );
    drop(lab);
    running.ended().await;
    Ok(())
}

/// A thousand exporters, and so many leases that have ended, a minute after each other until now.
async fn fill(store: &Store, leases: usize) -> Result<(), Box<dyn Error>> {
    let now = Time::now();
    let exporters: Vec<Exporter> = (0..EXPORTERS).map(|at| exporter(at, now)).collect();
    let made = exporters.iter().cloned().map(Arc::new);
    store.commit(made.map(Change::Exporter).collect()).await?;
    for first in (0..leases).step_by(CHUNK) {
        let changes = (first..leases.min(first + CHUNK)).flat_map(|at| {
            let ago = Duration::from_secs(60 * (leases - at) as u64);
            let lease = ended(at, &exporters[at % EXPORTERS], now.before(ago));
            let event = released(&lease);
            [Change::Lease(Arc::new(lease)), Change::Audit(event)]
        });
        store.commit(changes.collect()).await?;
    }
    Ok(())
}

fn exporter(at: usize, now: Time) -> Exporter {
    Exporter {
        uid: Uid::random(),
        key: Key::new("default", format!("exporter-{at:04}")),
        labels: Labels::from([("board".to_owned(), format!("b{}", at % 20))]),
        told: Labels::new(),
        username: None,
        migrated: None,
        enabled: true,
        devices: Vec::new(),
        reported: None,
        online: false,
        last_seen: None,
        generation: 1,
        created: now,
    }
}

fn ended(at: usize, exporter: &Exporter, ended: Time) -> Lease {
    let began = ended.before(Duration::from_secs(50));
    Lease {
        uid: Uid::random(),
        key: Key::new("default", uuid::Uuid::now_v7().to_string()),
        owner: format!("client-{}", at % 100),
        selector: format!("board=b{}", at % 20).parse().unwrap_or_default(),
        pinned: None,
        allow_disabled: false,
        duration: Some(Duration::from_secs(60)),
        not_before: None,
        not_after: None,
        tags: Labels::new(),
        context: Labels::new(),
        state: LeaseState::Ended,
        exporter: Some(ExporterRef {
            uid: exporter.uid,
            name: exporter.key.name.clone(),
        }),
        began: Some(began),
        ended: Some(ended),
        end_reason: Some(EndReason::Released),
        priority: 0,
        eligible_since: Some(began),
        conditions: Conditions::default(),
        generation: 2,
        created: began,
    }
}

fn released(lease: &Lease) -> Event {
    Event {
        at: lease.ended.unwrap_or(lease.created),
        actor: format!("client:default/{}", lease.owner),
        what: "LeaseReleased",
        kind: "lease",
        object: lease.key.clone(),
        detail: String::new(),
    }
}
