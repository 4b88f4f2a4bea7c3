//! An exporter that serves one lease and is done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{thread, time::Duration};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{Controller, Double, Hooks, Lab, Make, Rpc, Station, Visitor};

const NEWER: &str = "0.9.0 has no exitOnLeaseEnd";

/// As a key of the configuration, and as an option.
fn one_lease_and_out(client: Make) {
    let Some(make) = Make::but_not_the_reference(NEWER) else {
        return;
    };
    for option in [false, true] {
        let lab = Lab::new();
        let controller = Double::start(&lab);
        let hooks = Hooks::new(&lab);
        let key = if option { "" } else { "exitOnLeaseEnd: true\n" };
        let yaml = format!("{key}{}", hooks.yaml());
        let mut command = Station::command(&lab, make, &controller, &yaml);
        if option {
            command.arg("--exit-on-lease-end");
        }
        let station = Station::launch(make, &mut command);
        controller.wait_free();
        let visitor = Visitor::new(&lab, &controller, client);
        visitor.shell(["j", "power", "on"]).succeeds();
        let (code, log) = station.wait(Duration::from_secs(60));
        assert_eq!(code, 0, "{log}");
        controller.wait_offline();
        assert_eq!(controller.calls(Rpc::Unregister).len(), 1);
        assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
        let statuses = controller.statuses();
        let free = statuses
            .iter()
            .filter(|s| s.0 == ExporterStatus::Available)
            .count();
        assert_eq!(free, 1, "nobody is invited to a second lease: {statuses:?}");
    }
}

#[test]
fn one_lease_and_out_with_the_reference_client() {
    one_lease_and_out(Make::Reference);
}

#[test]
fn one_lease_and_out_with_our_client() {
    one_lease_and_out(Make::Ours);
}

#[test]
fn without_a_lease_it_stays() {
    let Some(make) = Make::but_not_the_reference(NEWER) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let mut station = Station::start(&lab, make, &controller, "exitOnLeaseEnd: true\n");
    thread::sleep(Duration::from_secs(10));
    assert!(station.runs());
    controller.wait_free();
}
