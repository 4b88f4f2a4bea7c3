//! A controller of an older release: nothing of `GetServiceEndpoints`, and exporters may not release
//! leases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{thread, time::Duration};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Controller, Double, Hooks, Kind, Lab, Make, Outcome, PATIENCE, Rpc, Said, Station, Visitor, run,
};

const RELEASE: &str = "Lease released (compat: ReportStatus with release_lease)";

fn lease_cycles(client: Make) {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.is_old();
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, client);
    for _ in 0..3 {
        visitor.shell(["j", "power", "on"]).succeeds();
        let seen = controller.wait_free();
        assert!(seen.online && seen.registered);
        // A release by a status names no lease. If the client has given its own back in the same
        // moment, the next one, were it there already, would be released instead.
        thread::sleep(Duration::from_secs(2));
        controller.wait_free();
    }
    assert_eq!(hooks.diary().len(), 12, "{:#?}", hooks.diary());
}

#[test]
fn leases_come_and_go_with_the_reference_client() {
    lease_cycles(Make::Reference);
}

#[test]
fn leases_come_and_go_with_our_client() {
    lease_cycles(Make::Ours);
}

/// After the first refusal the exporter knows, and the lease is given back by a status, which is not
/// AVAILABLE: the next lease must not come before this one is over.
#[test]
fn a_lease_is_given_back_by_a_status() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.is_old();
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    for _ in 0..2 {
        let lease = controller.lease(Duration::from_secs(600));
        let tunnel = jumpstarter_tests::Tunnel::open(&controller, &lease);
        tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
        tunnel.end_session().unwrap();
        controller.wait_until("released", |seen| seen.lease.is_none());
        controller.wait_free();
    }
    let releases: Vec<_> = controller
        .calls(Rpc::ReportStatus)
        .into_iter()
        .filter_map(|call| match call.said {
            Said::Status(status, message, true) => Some((status, message)),
            _ => None,
        })
        .collect();
    let expected = (ExporterStatus::AfterLeaseHook, RELEASE.to_owned());
    assert_eq!(releases, [expected.clone(), expected]);
    let asked = controller.calls(Rpc::ReleaseLease);
    let asked = asked.iter().filter(|call| call.kind == Kind::Exporter);
    assert_eq!(asked.count(), 1, "it remembers");
}

fn a_client_came_first(client: Make) {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.is_old();
    let visitor = Visitor::new(&lab, &controller, client);
    let mut shell = visitor.leased(Duration::from_secs(600));
    shell.args(["--", "j", "power", "on"]);
    let waiting = thread::spawn(move || -> Outcome { run(&mut shell, PATIENCE * 2) });
    controller.wait_for_calls(Rpc::CreateLease, 1);
    thread::sleep(Duration::from_secs(5));
    let make = Make::of_exporter();
    let _station = Station::launch(make, &mut Station::command(&lab, make, &controller, ""));
    waiting.join().unwrap().succeeds();
    controller.wait_free();
}

#[test]
fn a_client_that_came_first_is_served_when_the_exporter_comes() {
    a_client_came_first(Make::Reference);
}

#[test]
fn our_client_that_came_first_is_served_when_the_exporter_comes() {
    a_client_came_first(Make::Ours);
}
