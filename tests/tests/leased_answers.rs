//! The controller's answers get lost, or come late: there is one lease, or none, and never one that
//! nobody knows of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use jumpstarter_client::{
    Secret,
    connect::{ChannelOptions, Tls},
    controller::{Controller as Way, Identity, Kind},
    lease::{AskError, Leases, Request},
};
use jumpstarter_tests::{
    Controller, Double, Fault, Lab, Make, PATIENCE, Person, Rpc, Station, Visitor, run,
};
use nix::sys::signal::Signal::{SIGINT, SIGTERM};
use tokio::{runtime::Runtime, time::timeout};

const LONG: Duration = Duration::from_secs(600);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Must be called within a runtime.
fn leases(controller: &Double) -> Leases {
    let access = controller.access();
    let (name, token) = access.client;
    let identity = Identity {
        kind: Kind::Client,
        namespace: access.namespace.clone(),
        name: name.clone(),
        token: Secret::new(token),
    };
    let tls = Tls::from_settings(&access.ca, false).unwrap();
    let options = ChannelOptions::default();
    let way = Way::new(&access.endpoint, &tls, &identity, &options);
    Leases::new(way.unwrap(), access.namespace, name)
}

#[test]
fn a_lease_whose_answer_was_lost_is_the_one_that_is_used() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    for (fault, made) in [
        (Fault::GoneAfter, true),
        (Fault::Gone, false),
        (Fault::Garbage, false),
        (Fault::WebPage, false),
        (
            Fault::Answer(tonic::Code::Unavailable, "being restarted"),
            false,
        ),
    ] {
        let (asked, ended) = (
            controller.calls(Rpc::CreateLease).len(),
            controller.calls(Rpc::DeleteLease).len(),
        );
        let gone = matches!(fault, Fault::GoneAfter | Fault::Gone);
        controller.fault(Rpc::CreateLease, fault.clone(), Some(1));
        let mut person = Person::starts(visitor.leased(LONG).args(["--", "j", "power", "on"]));
        if gone {
            controller.wait_for_calls(Rpc::CreateLease, asked + 1);
            controller.back();
        }
        let code = person.ends();
        println!("{fault:?}: {}", person.said());
        assert_eq!(code, 0, "{fault:?}: {}", person.said());
        person.is_told("The controller's answer was lost, asking again: ");
        assert_eq!(controller.open_leases(), [""; 0], "{fault:?}");
        let asked = controller.calls(Rpc::CreateLease).split_off(asked);
        assert_eq!(asked.len(), 2, "{fault:?} {made}: {asked:#?}");
        assert_eq!(asked[0].said, asked[1].said, "the same lease");
        assert_eq!(controller.calls(Rpc::DeleteLease).len(), ended + 1);
        controller.wait_free();
    }
}

#[test]
fn other_commands_find_their_lease_again_too() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _visitor = Visitor::new(&lab, &controller, Make::Ours);
    controller.fault(Rpc::CreateLease, Fault::Garbage, Some(1));
    let mut create = lab.command("jmp");
    create.args(["create", "lease", "--client", "story", "-l", "board=story"]);
    let outcome = run(create.args(["--duration", "10m", "-o", "name"]), PATIENCE);
    outcome.succeeds();
    assert_eq!(controller.open_leases(), [outcome.stdout.trim()]);
}

#[test]
fn a_refusal_is_not_asked_for_twice() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let text = "duration is required";
    controller.fault(
        Rpc::CreateLease,
        Fault::Answer(tonic::Code::Unknown, text),
        None,
    );
    visitor
        .shell(["true"])
        .fails(1)
        .complains("Error: grpc controller responded: duration is required");
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 1);
}

#[test]
fn whoever_stops_waiting_for_the_answer_has_no_lease() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.fault(
        Rpc::CreateLease,
        Fault::Slow(Duration::from_secs(2)),
        Some(1),
    );
    runtime().block_on(async {
        let leases = leases(&controller);
        let asked = leases.hold(Request::matching("board=story"));
        assert!(timeout(Duration::from_millis(500), asked).await.is_err());
    });
    controller.wait_for_calls(Rpc::DeleteLease, 1);
    controller.wait_until("given back", |_| controller.open_leases().is_empty());
    assert_eq!(controller.calls(Rpc::CreateLease).len(), 2);
}

#[test]
fn a_name_that_somebody_else_has_is_not_ours() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    runtime().block_on(async {
        let leases = leases(&controller);
        let request = || Request {
            lease_id: Some("nightly".to_owned()),
            ..Request::matching("board=story")
        };
        leases.create(&request()).await.unwrap();
        let taken = leases.create(&request()).await.unwrap_err();
        assert!(taken.to_string().contains("already exists"), "{taken}");
        controller.transfer("nightly", "somebody-else");
        controller.fault(Rpc::CreateLease, Fault::Garbage, Some(1));
        let taken = leases.create(&request()).await.unwrap_err();
        assert!(matches!(taken, AskError::Refused(_)), "{taken}");
        assert!(taken.to_string().contains("already exists"), "{taken}");
    });
}

#[test]
fn two_sigterms_at_once_are_one() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    // As `timeout` does it: to the program it has started, and then to everybody.
    let script = "trap 'sleep 1; echo tidy; exit' TERM; echo ready; while :; do sleep 0.1; done";
    let mut shell = visitor.leased(LONG);
    let mut person = Person::starts(shell.args(["--", "sh", "-c", script]));
    person.sees("ready").signal(SIGTERM).signal_all(SIGTERM);
    assert_eq!(person.ends(), 2, "{}", person.said());
    person.sees("tidy");
    assert_eq!(controller.open_leases(), [""; 0]);
    controller.wait_free();
    // Somebody at the keyboard means it.
    let script = "echo ready; exec sleep 600";
    let mut shell = visitor.leased(LONG);
    let mut person = Person::starts(shell.args(["--", "sh", "-c", script]));
    person.sees("ready").signal(SIGINT).is_told("SIGINT");
    person.signal(SIGINT);
    assert_eq!(person.ends(), 2, "{}", person.said());
    assert_eq!(controller.open_leases(), [""; 0]);
    controller.wait_free();
}
