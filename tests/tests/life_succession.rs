//! An exporter whose leases follow one another without a pause, end early, or change hands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{thread, time::Duration};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{Controller, Double, Hooks, Lab, Make, Station, Tunnel, Visitor};

const LONG: Duration = Duration::from_secs(600);

fn statuses(controller: &Double) -> Vec<ExporterStatus> {
    controller
        .statuses()
        .into_iter()
        .map(|status| status.0)
        .collect()
}

#[test]
fn a_lease_that_follows_without_a_pause_is_served() {
    let Some(make) = Make::but_not_the_reference("it takes the second lease for the first") else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let first = controller.lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
    let second = controller.jump();
    hooks.wait_for(&format!("before {second}"), 1);
    let tunnel = Tunnel::open(&controller, &second);
    visitor.works_through(&tunnel);
    visitor.leave(&second, &tunnel);
    controller.wait_free();
    assert_eq!(
        hooks.diary(),
        [
            format!("before {first} tester"),
            "before done".into(),
            format!("after {first} tester"),
            "after done".into(),
            format!("before {second} tester"),
            "before done".into(),
            format!("after {second} tester"),
            "after done".into(),
        ]
    );
}

#[test]
fn a_lease_that_follows_during_a_hook_is_served() {
    let Some(make) = Make::but_not_the_reference("it takes the second lease for the first") else {
        return;
    };
    for held in ["before", "after"] {
        let lab = Lab::new();
        let controller = Double::start(&lab);
        let hooks = Hooks::new(&lab);
        let _station = Station::start(&lab, make, &controller, &hooks.yaml());
        if held == "before" {
            hooks.hold_before();
        } else {
            hooks.hold_after();
        }
        let first = controller.lease(LONG);
        hooks.wait_for("before", 1);
        if held == "after" {
            let tunnel = Tunnel::open(&controller, &first);
            tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
            tunnel.end_session().unwrap();
            hooks.wait_for("after", 1);
        }
        let second = controller.jump();
        hooks.let_before_go();
        hooks.let_after_go();
        hooks.wait_for(&format!("before {second}"), 1);
        controller.wait_status(ExporterStatus::LeaseReady);
        controller.end_lease(&second);
        controller.wait_free();
        assert_eq!(
            hooks.count(&format!("after {first}")),
            1,
            "{:#?}",
            hooks.diary()
        );
        assert_eq!(
            hooks.count(&format!("after {second}")),
            1,
            "{:#?}",
            hooks.diary()
        );
    }
}

#[test]
fn a_lease_that_ends_during_its_first_hook_never_gets_ready() {
    let reason = "0.9.0 runs the second hook while the first still runs";
    let Some(make) = Make::but_not_the_reference(reason) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    hooks.hold_before();
    let lease = controller.lease(LONG);
    hooks.wait_for("before", 1);
    controller.end_lease(&lease);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(hooks.count("after"), 0, "the first hook has not ended");
    hooks.let_before_go();
    controller.wait_free();
    assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
    assert!(!statuses(&controller).contains(&ExporterStatus::LeaseReady));
    controller.lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
}

#[test]
fn the_end_of_a_session_counts_once() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    hooks.hold_after();
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    for _ in 0..3 {
        let answer = tunnel.end_session().unwrap();
        assert!(answer.success, "{answer:?}");
        assert_eq!(
            answer.message.as_deref(),
            Some("Session end triggered, afterLease hook running asynchronously")
        );
    }
    hooks.wait_for("after", 1);
    assert!(tunnel.end_session().unwrap().success);
    hooks.let_after_go();
    controller.wait_free();
    assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
}

#[test]
fn a_lease_may_change_hands() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    let lease = controller.lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
    controller.transfer(&lease, "somebody-else");
    // It is told on the Status stream, before the end of the lease is.
    controller.end_lease(&lease);
    controller.wait_free();
    assert_eq!(hooks.count(&format!("before {lease} tester")), 1);
    assert_eq!(
        hooks.count(&format!("after {lease} somebody-else")),
        1,
        "{:#?}",
        hooks.diary()
    );
    assert_eq!(hooks.count("before"), 2, "{:#?}", hooks.diary());
}
