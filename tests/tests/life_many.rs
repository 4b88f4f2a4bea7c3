//! Lease after lease: what an exporter has after many of them is what it had before.
//!
//! `JMP_LEASES=500` makes it a long night.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{Controller, Double, Hooks, Lab, Make, PATIENCE, Station, Tunnel};

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    kilobytes: u64,
    descriptors: usize,
    threads: usize,
    children: usize,
}

// === impl Held ===

impl Held {
    fn by(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let mut children = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let list = fs::read_to_string(task.unwrap().path().join("children"));
            // A thread may end while we look.
            children += list.unwrap_or_default().split_whitespace().count();
        }
        Self {
            kilobytes: field("VmRSS:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
            threads: usize::try_from(field("Threads:")).unwrap(),
            children,
        }
    }

    /// When the session of the last lease is closed, connections that idle are gone.
    fn at_rest(pid: u32, workers: usize, like: Option<Self>) -> Self {
        let until = Instant::now() + PATIENCE / 2;
        loop {
            let held = Self::by(pid);
            let rests = held.children == workers
                && like.is_none_or(|like| {
                    held.descriptors <= like.descriptors && held.threads <= like.threads
                });
            if rests || Instant::now() > until {
                return held;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn leases() -> usize {
    let count = std::env::var("JMP_LEASES")
        .ok()
        .and_then(|text| text.parse().ok());
    count.unwrap_or(25)
}

/// One lease, from the client's wish to the exporter's release: every other one ends at the
/// controller instead.
fn one(controller: &Double, hooks: &Hooks, number: usize) {
    let lease = controller.lease(Duration::from_secs(600));
    let tunnel = Tunnel::open(controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    tunnel.ask(|mut client| async move {
        client.get_report(()).await.unwrap();
    });
    if number.is_multiple_of(2) {
        tunnel.end_session().unwrap();
        tunnel.wait_status(&[ExporterStatus::Available]).unwrap();
    } else {
        controller.end_lease(&lease);
    }
    drop(tunnel);
    controller.wait_until("released", |seen| seen.lease.is_none());
    controller.wait_free();
    assert_eq!(hooks.count(&format!("before {lease}")), 1);
    assert_eq!(hooks.count(&format!("after {lease}")), 1);
}

#[test]
fn many_leases_leave_nothing_behind() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let make = Make::of_exporter();
    let mut station = Station::start(&lab, make, &controller, &hooks.yaml());
    // What is made once and kept, pools and caches, is there after the first few.
    for number in 0..5 {
        one(&controller, &hooks, number);
    }
    // The reference works in a child.
    let workers = usize::from(make == Make::Reference);
    let sockets = || fs::read_dir(lab.folder("run")).unwrap().count();
    // The last of them may still be closing.
    let until = Instant::now() + PATIENCE / 2;
    while make == Make::Ours && sockets() > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    let before = Held::at_rest(station.pid(), workers, None);
    let folders = sockets();
    let started = Instant::now();
    for number in 0..leases() {
        one(&controller, &hooks, number);
    }
    let each = started.elapsed() / u32::try_from(leases()).unwrap();
    assert!(station.runs());
    let after = Held::at_rest(station.pid(), workers, Some(before));
    println!("{} leases, {each:?} each", leases());
    println!("before {before:?}");
    println!("after  {after:?}");
    assert_eq!(after.children, workers);
    assert_eq!(hooks.diary().len(), 4 * (leases() + 5));
    assert_eq!(sockets(), folders, "session folders");
    if make == Make::Ours {
        assert!(
            after.descriptors <= before.descriptors,
            "{before:?} {after:?}"
        );
        assert!(after.threads <= before.threads, "{before:?} {after:?}");
        let grown = after.kilobytes.saturating_sub(before.kilobytes);
        assert!(grown < 8 * 1024, "{grown} KiB: {before:?} {after:?}");
    }
}
