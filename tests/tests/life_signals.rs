//! Signals at every state of a lease, and the journal of the lease that a killed exporter leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Controller, Double, Hooks, Lab, Make, PATIENCE, Rpc, Said, Stage, Standalone, Station, Tunnel,
};
use nix::sys::signal::Signal;

const LONG: Duration = Duration::from_secs(600);

/// Where a lease is when something happens to the exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Before,
    Ready,
    After,
}

/// A lease that has come so far.
struct Scene<'lab> {
    lease: String,
    /// Kept: a client is there.
    _tunnel: Option<Tunnel>,
    hooks: &'lab Hooks,
}

impl<'lab> Scene<'lab> {
    fn at(place: Where, controller: &impl Controller, hooks: &'lab Hooks) -> Self {
        match place {
            Where::Before => hooks.hold_before(),
            Where::Ready => {}
            Where::After => hooks.hold_after(),
        }
        let lease = controller.lease(LONG);
        hooks.wait_for(&format!("before {lease}"), 1);
        let mut kept = None;
        if place != Where::Before {
            let tunnel = Tunnel::open(controller, &lease);
            tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
            if place == Where::After {
                tunnel.end_session().unwrap();
                hooks.wait_for(&format!("after {lease}"), 1);
            }
            kept = Some(tunnel);
        }
        Self {
            lease,
            _tunnel: kept,
            hooks,
        }
    }

    fn let_go(&self) {
        self.hooks.let_before_go();
        self.hooks.let_after_go();
    }
}

fn code(signal: Signal) -> i32 {
    match Make::of_exporter() {
        Make::Ours => 128 + signal as i32,
        // The reference's exit code is always 0.
        Make::Reference => 0,
    }
}

/// The last words of an exporter, as its controller hears them.
#[track_caller]
fn said_goodbye(controller: &Double) {
    controller.wait_offline();
    let calls: Vec<_> = controller
        .journal()
        .into_iter()
        .filter(|c| c.begins)
        .collect();
    let [.., offline, unregister] = &calls[..] else {
        panic!("{calls:#?}");
    };
    assert!(
        matches!(&offline.said, Said::Status(ExporterStatus::Offline, text, false)
            if text == "Exporter shutting down"),
        "{offline:#?}"
    );
    assert_eq!(unregister.rpc, Rpc::Unregister, "{unregister:#?}");
}

#[test]
fn an_idle_exporter_stops_at_once() {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
    ] {
        let lab = Lab::new();
        let controller = Double::start(&lab);
        let hooks = Hooks::new(&lab);
        let make = Make::of_exporter();
        let station = Station::start(&lab, make, &controller, &hooks.yaml());
        controller.wait_for_calls(Rpc::Status, 1);
        station.signal(signal);
        let (ended, log) = station.wait(PATIENCE);
        assert_eq!(ended, code(signal), "{log}");
        said_goodbye(&controller);
        assert!(hooks.diary().is_empty());
    }
}

#[test]
fn an_idle_exporter_that_has_served_stops_at_once_too() {
    let reason = "0.9.0 waits for the end of a lease that it does not have";
    let Some(make) = Make::but_not_the_reference(reason) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let station = Station::start(&lab, make, &controller, &hooks.yaml());
    let lease = controller.lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
    controller.end_lease(&lease);
    controller.wait_free();
    // The session may still be about to close.
    thread::sleep(Duration::from_secs(2));
    station.signal(Signal::SIGHUP);
    let (ended, log) = station.wait(PATIENCE);
    assert_eq!(ended, 129, "{log}");
    said_goodbye(&controller);
}

#[test]
fn stopping_now_cleans_up_first() {
    stopping_now(|controller: &Double| {
        said_goodbye(controller);
        assert_eq!(controller.calls(Rpc::ReleaseLease).len(), 1);
    });
}

#[test]
fn stopping_now_cleans_up_first_at_our_controller() {
    stopping_now(Standalone::wait_offline);
}

fn stopping_now<At: Stage, T>(goodbye: impl Fn(&At) -> T) {
    for place in [Where::Before, Where::Ready, Where::After] {
        println!("{place:?}");
        let lab = Lab::new();
        let controller = At::start(&lab);
        let hooks = Hooks::new(&lab);
        let make = Make::of_exporter();
        let station = Station::start(&lab, make, &controller, &hooks.yaml());
        let scene = Scene::at(place, &controller, &hooks);
        station.signal(Signal::SIGTERM);
        if place == Where::After {
            thread::sleep(Duration::from_secs(1));
            scene.let_go();
        }
        let (ended, log) = station.wait(PATIENCE);
        assert_eq!(ended, code(Signal::SIGTERM), "{log}");
        goodbye(&controller);
        assert!(log.contains("after hook: executed"), "{log}");
        assert_eq!(
            hooks.count(&format!("after {}", scene.lease)),
            1,
            "{:#?}",
            hooks.diary()
        );
        assert_eq!(hooks.count("after done"), 1, "{:#?}", hooks.diary());
        let killed = usize::from(place != Where::Before);
        assert_eq!(hooks.count("before done"), killed, "{:#?}", hooks.diary());
        assert_eq!(controller.seen().lease, None, "the lease was given back");
    }
}

#[test]
fn stopping_later_waits_for_the_end_of_the_lease() {
    stopping_later(said_goodbye);
}

#[test]
fn stopping_later_waits_for_the_end_of_the_lease_at_our_controller() {
    stopping_later(Standalone::wait_offline);
}

fn stopping_later<At: Stage, T>(goodbye: impl Fn(&At) -> T) {
    for place in [Where::Before, Where::Ready, Where::After] {
        println!("{place:?}");
        let lab = Lab::new();
        let controller = At::start(&lab);
        let hooks = Hooks::new(&lab);
        let make = Make::of_exporter();
        let mut station = Station::start(&lab, make, &controller, &hooks.yaml());
        let scene = Scene::at(place, &controller, &hooks);
        station.signal(Signal::SIGHUP);
        thread::sleep(Duration::from_secs(2));
        assert!(station.runs());
        scene.let_go();
        if place != Where::After {
            controller.wait_status(ExporterStatus::LeaseReady);
            controller.end_lease(&scene.lease);
        }
        let (ended, log) = station.wait(PATIENCE);
        assert_eq!(ended, code(Signal::SIGHUP), "{log}");
        goodbye(&controller);
        assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
    }
}

#[test]
fn a_second_signal_is_an_order() {
    let Some(make) = Make::but_not_the_reference("it ignores the second signal") else {
        return;
    };
    for place in [Where::Before, Where::Ready, Where::After] {
        println!("{place:?}");
        let lab = Lab::new();
        let controller = Double::start(&lab);
        let hooks = Hooks::new(&lab);
        let station = Station::start(&lab, make, &controller, &hooks.yaml());
        let _scene = Scene::at(place, &controller, &hooks);
        if place != Where::After {
            hooks.hold_after();
        }
        station.signal(Signal::SIGTERM);
        // Two that come at once are one; and nothing would end the afterLease hook for 100 s.
        let heard = station
            .log()
            .wait_for("Stopping exporter immediately", PATIENCE);
        heard.expect("the first signal");
        hooks.wait_for("after", 1);
        station.signal(Signal::SIGINT);
        let (ended, log) = station.wait(PATIENCE);
        assert_eq!(ended, 143, "{log}");
        assert_eq!(hooks.count("after done"), 0, "{:#?}", hooks.diary());
    }
}

#[test]
fn a_stop_later_can_become_a_stop_now() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let make = Make::of_exporter();
    let station = Station::start(&lab, make, &controller, &hooks.yaml());
    let scene = Scene::at(Where::Ready, &controller, &hooks);
    station.signal(Signal::SIGHUP);
    thread::sleep(Duration::from_millis(500));
    station.signal(Signal::SIGTERM);
    let (ended, log) = station.wait(PATIENCE);
    assert!(
        ended == code(Signal::SIGTERM) || ended == code(Signal::SIGHUP),
        "{ended}: {log}"
    );
    said_goodbye(&controller);
    assert_eq!(
        hooks.count(&format!("after {}", scene.lease)),
        1,
        "{:#?}",
        hooks.diary()
    );
}

/// Once means once, whatever the exporter was doing when it was killed.
#[test]
fn what_a_killed_exporter_owes_its_successor_does() {
    let Some(make) = Make::but_not_the_reference("it keeps no journal") else {
        return;
    };
    for place in [Where::Before, Where::Ready, Where::After] {
        println!("{place:?}");
        let lab = Lab::new();
        let controller = Double::start(&lab);
        let hooks = Hooks::new(&lab);
        let station = Station::start(&lab, make, &controller, &hooks.yaml());
        let scene = Scene::at(place, &controller, &hooks);
        station.kill();
        scene.let_go();
        let before = hooks.count("before");
        let mut command = Station::command(&lab, make, &controller, &hooks.yaml());
        let station = Station::launch(make, &mut command);
        if place != Where::After {
            // One that had begun is not begun again.
            hooks.wait_for(&format!("after {}", scene.lease), 1);
            hooks.wait_for("after done", 1);
        }
        controller.wait_free();
        assert_eq!(
            hooks.count(&format!("after {}", scene.lease)),
            1,
            "{:#?}",
            hooks.diary()
        );
        let again = hooks.count(&format!("before {}", scene.lease));
        assert_eq!(again, 1, "{:#?}", hooks.diary());
        assert!(hooks.count("before") <= before + 1, "{:#?}", hooks.diary());
        // And it lives on as if nothing had been.
        let lease = controller.lease(LONG);
        controller.wait_status(ExporterStatus::LeaseReady);
        controller.end_lease(&lease);
        hooks.wait_for(&format!("after {lease}"), 1);
        controller.wait_free();
        // Nothing is owed any more.
        station.stop();
        let diary = hooks.diary();
        let station = Station::start(&lab, make, &controller, &hooks.yaml());
        assert_eq!(hooks.diary(), diary);
        drop(station);
    }
}

#[test]
fn what_is_owed_is_done_even_if_the_controller_has_forgotten_the_lease() {
    let Some(make) = Make::but_not_the_reference("it keeps no journal") else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let station = Station::start(&lab, make, &controller, &hooks.yaml());
    let scene = Scene::at(Where::Ready, &controller, &hooks);
    station.kill();
    controller.end_lease(&scene.lease);
    let next = controller.ask_for_lease(LONG);
    let _station = Station::launch(
        make,
        &mut Station::command(&lab, make, &controller, &hooks.yaml()),
    );
    hooks.wait_for(&format!("before {next}"), 1);
    let expected = [
        format!("before {} tester", scene.lease),
        "before done".into(),
        format!("after {} tester", scene.lease),
        "after done".into(),
        format!("before {next} tester"),
    ];
    assert_eq!(hooks.diary()[..5], expected);
}

#[test]
fn a_second_crash_does_not_make_it_twice() {
    let Some(make) = Make::but_not_the_reference("it keeps no journal") else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let station = Station::start(&lab, make, &controller, &hooks.yaml());
    let scene = Scene::at(Where::Ready, &controller, &hooks);
    station.kill();
    hooks.hold_after();
    let launch = || {
        let mut command = Station::command(&lab, make, &controller, &hooks.yaml());
        Station::launch(make, &mut command)
    };
    let station = launch();
    hooks.wait_for(&format!("after {}", scene.lease), 1);
    station.kill();
    scene.let_go();
    let _station = launch();
    controller.wait_free();
    assert_eq!(
        hooks.count(&format!("after {}", scene.lease)),
        1,
        "{:#?}",
        hooks.diary()
    );
}

#[test]
fn a_journal_that_cannot_be_written_or_read_is_a_warning() {
    let Some(make) = Make::but_not_the_reference("it keeps no journal") else {
        return;
    };
    // Where the journal is: what a killed exporter left shows it.
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let state = lab.folder("state");
    let launch = || {
        let mut command = Station::command(&lab, make, &controller, &hooks.yaml());
        let mut station = Station::launch(make, command.env("XDG_STATE_HOME", &state));
        station.wait_free(&controller);
        station
    };
    let station = launch();
    let first = Scene::at(Where::Ready, &controller, &hooks);
    let folder = leases(&state);
    let entries: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    let [Ok(entry)] = &entries[..] else {
        panic!("{entries:?}");
    };
    station.kill();
    controller.end_lease(&first.lease);
    let served = |station: Station| {
        let lease = controller.lease(LONG);
        controller.wait_status(ExporterStatus::LeaseReady);
        controller.end_lease(&lease);
        hooks.wait_for(&format!("after {lease}"), 1);
        controller.wait_free();
        let (ended, log) = station.stop();
        assert_eq!(ended, 143, "{log}");
        assert!(log.contains("warning"), "{log}");
    };

    fs::write(entry.path(), b"\xff\xfe not a journal").unwrap();
    served(launch());
    assert_eq!(hooks.count(&format!("after {}", first.lease)), 0);

    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "nothing can be made below a file").unwrap();
    served(launch());
}

fn leases(state: &Path) -> PathBuf {
    state.join("jumpstarter/leases")
}

#[test]
fn a_full_disk_does_not_keep_a_lease_from_being_served() {
    let Some(make) = Make::but_not_the_reference("it keeps no journal") else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let state = lab.folder("state");
    let folder = leases(&state);
    for folder in [&state, folder.parent().unwrap(), &folder] {
        fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
    }
    let inner = Station::command(&lab, make, &controller, &hooks.yaml());
    // A file system of its own with not a byte free: only root can make one.
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec"])
        .arg(
            "mount -t tmpfs -o size=16k,mode=700 tmpfs \"$0\"; \
             cat /dev/zero >\"$0/full\" 2>&- || true; exec \"$@\"",
        )
        .arg(&folder)
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .env("XDG_STATE_HOME", &state)
        .current_dir(inner.get_current_dir().unwrap());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    // In many containers not even root can.
    let mut may = Command::new("unshare");
    may.args(["--mount", "mount", "--make-rprivate", "/"]);
    if !may.status().is_ok_and(|status| status.success()) {
        println!("not told: this user cannot make a file system that is full");
        return;
    }
    let mut station = Station::launch(make, &mut command);
    station.wait_free(&controller);
    for _ in 0..2 {
        let lease = controller.lease(LONG);
        controller.wait_status(ExporterStatus::LeaseReady);
        controller.end_lease(&lease);
        hooks.wait_for(&format!("after {lease}"), 1);
        controller.wait_free();
    }
    let (ended, log) = station.stop();
    assert_eq!(ended, 143, "{log}");
    assert!(log.contains("No space left on device"), "{log}");
}
