//! Our controller comes and goes, and so do those who work with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Account, Cast, Controller, Lab, Make, Person, Seen, Standalone, Station, Visitor, three_ways,
};

const POWER: &str = "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";
const LONG: Duration = Duration::from_secs(600);

three_ways![a_session_outlives_the_controller];

fn script(gate: &Path, then: &str) -> String {
    let gate = gate.display();
    format!("echo ready; until [ -e {gate} ]; do sleep 0.05; done; {then}")
}

fn starts(lab: &Lab, make: Make, account: &Account, script: &str) -> Person {
    let mut shell = account.shell(lab, make);
    shell.args(["--selector", "board=story", "--duration", "10m"]);
    shell.args(["--retry-timeout", "0", "--", "sh", "-c", script]);
    Person::starts(&mut shell)
}

/// Somebody works, somebody else waits, and the controller is stopped and killed meanwhile.
fn a_session_outlives_the_controller(cast: Cast) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let mut station = Station::start(&lab, cast.exporter, &controller, "");
    let gate = lab.folder("go");
    let script = script(&gate, "j power on && echo still here");
    let mut person = starts(&lab, cast.client, controller.tester(), &script);
    person.sees("ready");
    let lease = controller.seen().lease.unwrap();
    let bob = controller.client(&lab, "bob", &["--unsafe"]);
    let mut waiting = starts(&lab, cast.client, &bob, "j power on && echo mine now");
    let until = Instant::now() + jumpstarter_tests::PATIENCE;
    while controller.open_leases().len() < 2 {
        assert!(Instant::now() < until, "{}", waiting.said());
    }
    let leases = controller.open_leases();

    for kill in [false, true] {
        if kill {
            controller.kill();
        } else {
            assert_eq!(controller.stop(), 0);
        }
        controller.run();
        let back = |seen: &Seen| seen.status == ExporterStatus::LeaseReady && seen.online;
        let seen = controller.wait_until("back", back);
        assert_eq!(seen.lease.as_deref(), Some(&*lease), "killed: {kill}");
        assert_eq!(controller.open_leases(), leases, "killed: {kill}");
        assert!(station.runs());
    }
    fs::write(&gate, "").unwrap();
    person.sees("still here");
    assert_eq!(person.ends(), 0, "{}", person.said());
    waiting.sees("mine now");
    assert_eq!(waiting.ends(), 0, "{}", waiting.said());
    controller.wait_free();
    let all = controller.about("/leases?ended=true").unwrap();
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
}

/// What was answered is on disk, whenever the power goes.
#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let made = Mutex::new(Vec::new());
    for round in 0..3 {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for worker in 0..2 {
                let (controller, made, stop) = (&controller, &made, &stop);
                scope.spawn(move || {
                    for number in 0.. {
                        if stop.load(Relaxed) {
                            return;
                        }
                        let name = format!("lease-{round}-{worker}-{number}");
                        let words = ["lease", "create", "tester", "-l", "board=story"];
                        let more = ["--duration", "1h", "--name", &name];
                        if controller.admin(words.into_iter().chain(more)).code != 0 {
                            return;
                        }
                        made.lock().unwrap().push(name);
                    }
                });
            }
            let enough = made.lock().unwrap().len() + 5;
            while made.lock().unwrap().len() < enough {
                thread::sleep(Duration::from_millis(1));
            }
            controller.kill();
            stop.store(true, Relaxed);
        });
        controller.run();
        let there = controller.open_leases();
        for name in made.lock().unwrap().iter() {
            assert!(there.contains(name), "{name} was acknowledged: {there:?}");
        }
    }
}

/// An exporter that was killed is missed after a minute, keeps its lease, and serves it again when
/// it is back: one of ours and one of the reference's at the same time.
#[test]
fn an_exporter_that_is_killed_is_missed_and_may_come_back() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let makes = [("first", Make::Ours), ("second", Make::Reference)];
    let accounts = makes.map(|(name, _)| {
        let label = format!("board={name}");
        controller
            .exporter(&lab, name, &["--label", &label])
            .with_drivers(POWER)
    });
    let launch = || [0, 1].map(|at| accounts[at].launch(&lab, makes[at].1));
    let stations = launch();
    let leases = makes.map(|(name, _)| {
        controller.wait_for(name, "free", Seen::is_free);
        let words = [
            "lease",
            "create",
            "tester",
            "--exporter",
            name,
            "-d",
            "1h",
            "--name",
            name,
        ];
        controller.admin(words).succeeds();
        controller.wait_for(name, "at work", |seen| {
            seen.status == ExporterStatus::LeaseReady
        });
        name
    });
    let killed = Instant::now();
    for station in stations {
        station.kill();
    }
    for name in leases {
        let seen = loop {
            let seen = controller.seen_of(name);
            if !seen.online {
                break seen;
            }
            assert!(killed.elapsed() < Duration::from_secs(120), "{seen:?}");
            thread::sleep(Duration::from_millis(50));
        };
        assert!(
            killed.elapsed() > Duration::from_secs(59),
            "{name} was given up too early"
        );
        assert_eq!(seen.status, ExporterStatus::Offline);
        let told = "Connection lost - last seen more than 1 minute ago";
        assert_eq!(seen.message, told);
        assert_eq!(
            seen.lease.as_deref(),
            Some(name),
            "nobody has ended the lease"
        );
    }
    let waits = controller.admin(["lease", "create", "tester", "-l", "board=first", "-d", "1h"]);
    waits.succeeds().prints("Offline");
    let _stations = launch();
    for name in leases {
        let at_work = |seen: &Seen| seen.online && seen.status == ExporterStatus::LeaseReady;
        let seen = controller.wait_for(name, "at work again", at_work);
        assert_eq!(seen.lease.as_deref(), Some(name));
    }
    controller
        .admin(["lease", "release", "first", "second"])
        .succeeds();
    // Who waited gets the first at once.
    controller.wait_for("first", "leased", |seen| seen.lease.is_some());
    controller.wait_for("second", "free", Seen::is_free);
}

/// An exporter that stops says good-bye. Without hooks it gives no lease back, and whoever has one waits
/// for it.
#[test]
fn an_exporter_that_says_good_bye_is_offline_at_once() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    for make in [Make::Ours, Make::Reference] {
        let station = Station::start(&lab, make, &controller, "");
        let (code, log) = station.stop();
        // The reference's exit code is always 0.
        let expected = if make == Make::Ours { 143 } else { 0 };
        assert_eq!(code, expected, "{log}");
        controller.wait_offline();
    }
    let station = Station::start(&lab, Make::Ours, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    visitor.shell(["j", "power", "on"]).succeeds();
    let lease = controller.ask_for_lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
    drop(station.stop());
    controller.wait_offline();
    assert_eq!(controller.open_leases(), [&*lease]);
    let mut again = Station::command(&lab, Make::Ours, &controller, "");
    let _station = Station::launch(Make::Ours, &mut again);
    controller.wait_status(ExporterStatus::LeaseReady);
    assert_eq!(controller.seen().lease, Some(lease));
}
