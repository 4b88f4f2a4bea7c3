//! However somebody leaves a leased shell, the lease is given back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{thread, time::Duration};

use jumpstarter_tests::{
    Controller, Double, Fault, Hooks, Lab, Make, Outcome, PATIENCE, Person, Rpc, Station, Visitor,
    run,
};
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use tonic::Code;

const LONG: Duration = Duration::from_secs(600);
const SIGNALS: [(Signal, &str, i32); 4] = [
    (SIGINT, "SIGINT pressed, terminating", 2),
    (SIGTERM, "SIGTERM received, terminating", 2),
    (SIGHUP, "SIGHUP received, terminating", 129),
    (SIGQUIT, "SIGQUIT pressed, terminating", 131),
];

/// Starts a shell with `command`, waits for the moment, sends each signal in turn: no lease is left.
fn stopped(
    lab: &Lab,
    controller: &Double,
    command: &[&str],
    moment: impl Fn(&Person),
    after: impl Fn(&Double),
) {
    let visitor = Visitor::new(lab, controller, Make::Ours);
    for (signal, told, code) in SIGNALS {
        let mut person = Person::starts(visitor.leased(LONG).arg("--").args(command));
        moment(&person);
        person.signal(signal);
        person.is_told(told);
        assert_eq!(person.ends(), code, "{signal}: {}", person.said());
        assert_eq!(
            controller.open_leases(),
            [""; 0],
            "{signal}: {}",
            person.said()
        );
        println!("{signal}: {}", person.said());
        after(controller);
    }
}

#[test]
fn while_the_controller_thinks_about_the_request() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.fault(Rpc::CreateLease, Fault::Slow(Duration::from_secs(2)), None);
    let asked = |_: &Person| {
        let before = controller.calls(Rpc::DeleteLease).len();
        controller.wait_for_calls(Rpc::CreateLease, before + 1);
        thread::sleep(Duration::from_millis(200));
    };
    stopped(&lab, &controller, &["true"], asked, |_| ());
}

#[test]
fn while_it_waits_for_an_exporter() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let waits = |person: &Person| {
        person.is_told(
            "Waiting for lease: There is 1 exporter (`board`), none of them are online (0:00:0",
        );
    };
    stopped(&lab, &controller, &["true"], waits, |_| ());
}

#[test]
fn while_the_exporter_is_dialled() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let away = Fault::Answer(Code::Unavailable, "exporter is not listening on lease x");
    controller.fault(Rpc::Dial, away, None);
    let dials = |person: &Person| {
        person.is_told("Exporter unavailable, retrying Dial in 0.3s (attempt 1, ");
    };
    stopped(&lab, &controller, &["true"], dials, |controller| {
        controller.wait_free();
    });
}

#[test]
fn while_the_first_hook_runs() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    hooks.hold_before();
    let waits = |_: &Person| {
        let seen = controller.wait_until("leased", |seen| seen.lease.is_some());
        hooks.wait_for(&format!("before {}", seen.lease.unwrap()), 1);
    };
    stopped(&lab, &controller, &["true"], waits, |controller| {
        hooks.let_before_go();
        controller.wait_free();
        hooks.hold_before();
    });
}

#[test]
fn while_the_command_runs() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    let works = |person: &Person| {
        person.sees("ready");
    };
    let command = ["sh", "-c", "echo ready; sleep 1.5; echo done"];
    stopped(&lab, &controller, &command, works, |controller| {
        controller.wait_free();
    });
    let ends = controller.journal();
    assert!(ends.iter().all(|call| call.rpc != Rpc::Other));
}

#[test]
fn while_the_last_hook_runs() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    hooks.hold_after();
    let waits = |person: &Person| {
        person.is_told("Running afterLease hook (Ctrl+C to skip)...");
        controller.wait_status(jumpstarter_proto::v1::ExporterStatus::AfterLeaseHook);
    };
    stopped(&lab, &controller, &["true"], waits, |controller| {
        hooks.let_after_go();
        controller.wait_free();
        hooks.hold_after();
    });
}

#[test]
fn a_second_signal_does_not_wait_for_the_command() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let mut person =
        Person::starts(
            visitor
                .leased(LONG)
                .args(["--", "sh", "-c", "echo ready; exec sleep 600"]),
        );
    person
        .sees("ready")
        .signal(SIGTERM)
        .is_told("SIGTERM received");
    // Not so soon that it could be the same one, sent twice.
    thread::sleep(Duration::from_millis(500));
    person.signal(SIGTERM);
    assert_eq!(person.ends(), 2, "{}", person.said());
    assert_eq!(controller.open_leases(), [""; 0]);
}

#[test]
fn whoever_ignores_the_end_of_the_terminal_goes_on() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let gate = lab.folder("go");
    let script = format!(
        "echo ready; until [ -e {} ]; do sleep 0.05; done; j power on && echo done",
        gate.display()
    );
    let mut shell = visitor.leased(LONG);
    shell.args(["--", "sh", "-c", &script]);
    let mut person = Person::starts_under(&["nohup"], &shell);
    person.sees("ready").signal_all(SIGHUP);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(person.ends(), 0, "{}", person.said());
    person.sees("done");
    assert!(!person.said().contains("SIGHUP"), "{}", person.said());
    controller.wait_free();
    assert_eq!(controller.open_leases(), [""; 0]);
}

#[test]
fn an_exporter_that_never_comes_is_not_waited_for_for_ever() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let mut shell = visitor.leased(LONG);
    let outcome = run(
        shell.args(["--acquisition-timeout", "5", "--", "true"]),
        PATIENCE,
    );
    outcome
        .fails(1)
        .complains(" acquisition timed out after 5 seconds");
    assert_eq!(controller.open_leases(), [""; 0]);
}

#[test]
fn an_exporter_that_cannot_be_reached_is_exchanged() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    controller.fault(
        Rpc::Dial,
        Fault::Answer(Code::Unknown, "the cat sleeps on it"),
        Some(1),
    );
    let once = visitor.shell(["true"]);
    once.fails(1)
        .complains("Connection to exporter lost: the cat sleeps on it")
        .complains("Error: Exporter board unreachable after 0s of retrying");
    controller.wait_free();
    assert_eq!(controller.open_leases(), [""; 0]);
    controller.fault(
        Rpc::Dial,
        Fault::Answer(Code::Unknown, "the cat sleeps on it"),
        Some(1),
    );
    let again = run(
        visitor
            .leased(LONG)
            .args(["--retry-timeout", "60", "echo", "once"]),
        PATIENCE,
    );
    again
        .succeeds()
        .complains("Exporter board is unreachable, releasing lease and retrying...");
    assert_eq!(again.stdout.lines().collect::<Vec<_>>(), ["once"]);
    controller.wait_free();
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 3);
    assert_eq!(controller.open_leases(), [""; 0]);
}

#[test]
fn an_exporter_that_is_not_ready_is_dialled_again() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let text = "exporter is not ready (status: Available)";
    controller.fault(
        Rpc::Dial,
        Fault::Answer(Code::FailedPrecondition, text),
        Some(3),
    );
    visitor
        .shell(["j", "power", "on"])
        .succeeds()
        .never_says("Dial");
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 1);
    controller.wait_free();
}

#[test]
fn a_controller_that_is_away_at_the_end_is_waited_for() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let mut person =
        Person::starts(
            visitor
                .leased(LONG)
                .args(["--", "sh", "-c", "echo ready; sleep 1"]),
        );
    person.sees("ready");
    let away = Fault::Answer(Code::Unavailable, "the controller is being restarted");
    controller.fault(Rpc::DeleteLease, away, Some(3));
    assert_eq!(person.ends(), 0, "{}", person.said());
    assert_eq!(controller.open_leases(), [""; 0]);
    controller.wait_free();
}

#[test]
fn a_lease_that_was_handed_over_is_not_ours_to_end() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let gate = lab.folder("go");
    let script = format!(
        "echo ready; until [ -e {} ]; do sleep 0.05; done; j power on",
        gate.display()
    );
    let mut person = Person::starts(visitor.leased(LONG).args(["--", "sh", "-c", &script]));
    person.sees("ready");
    let lease = controller.seen().lease.unwrap();
    controller.transfer(&lease, "somebody-else");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(person.ends(), 1, "{}", person.said());
    person.is_told(&format!(
        "Lease {lease} has been transferred to another client. Your session is no longer valid."
    ));
    println!("{}", person.said());
    assert_eq!(
        controller.open_leases(),
        [lease],
        "{:#?}",
        controller.journal()
    );
    assert_eq!(hooks.count("after"), 0, "{:#?}", hooks.diary());
}

#[test]
fn a_connection_that_cannot_be_made_harms_no_other() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let gate = lab.folder("go");
    let script = format!(
        "echo ready; until [ -e {} ]; do sleep 0.05; done; j power on && exit 50; j power on; exit $?",
        gate.display()
    );
    let mut person = Person::starts(visitor.leased(LONG).args(["--", "sh", "-c", &script]));
    person.sees("ready");
    controller.fault(Rpc::Dial, Fault::Answer(Code::Unknown, "not now"), Some(1));
    std::fs::write(&gate, "").unwrap();
    let code = person.ends();
    assert_eq!(code, 0, "{}", person.said());
    person.is_told("Per-connection Dial failed for board: not now");
    controller.wait_free();
}

#[test]
fn a_token_that_has_expired_gets_nothing() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let file = lab.folder("home/.config/jumpstarter/clients/story.yaml");
    let config = std::fs::read_to_string(&file).unwrap();
    let token = controller.access().client.1;
    // {"iss":"http://127.0.0.1:9","exp":1000}
    let expired = "e30.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjkiLCJleHAiOjEwMDB9.c2ln";
    std::fs::write(&file, config.replace(&token, expired)).unwrap();
    let outcome: Outcome = visitor.shell(["true"]);
    println!("{outcome}");
    outcome
        .fails(1)
        .prints("Token is expired, triggering re-authentication")
        .complains("Error: Re-authentication failed: ");
    assert!(controller.calls(Rpc::CreateLease).is_empty());
}
