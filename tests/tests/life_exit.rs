//! An exporter that serves one lease and is done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{thread, time::Duration};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Cast, Controller, Double, Hooks, Lab, Make, Rpc, Stage, Standalone, Station, Visitor,
};

const NEWER: &str = "0.9.0 has no exitOnLeaseEnd";

/// As a key of the configuration, and as an option.
fn one_lease_and_out<At: Stage>(cast: Cast, and: impl Fn(&At)) {
    if !cast.holds_for_exporter(NEWER) {
        return;
    }
    for option in [false, true] {
        let lab = Lab::new();
        let controller = At::start(&lab);
        let hooks = Hooks::new(&lab);
        let key = if option { "" } else { "exitOnLeaseEnd: true\n" };
        let yaml = format!("{key}{}", hooks.yaml());
        let mut command = Station::command(&lab, cast.exporter, &controller, &yaml);
        if option {
            command.arg("--exit-on-lease-end");
        }
        let station = Station::launch(cast.exporter, &mut command);
        controller.wait_free();
        let visitor = Visitor::new(&lab, &controller, cast.client);
        visitor.shell(["j", "power", "on"]).succeeds();
        let (code, log) = station.wait(Duration::from_secs(60));
        assert_eq!(code, 0, "{log}");
        controller.wait_offline();
        assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
        and(&controller);
    }
}

/// What only the stand-in knows.
fn nobody_is_invited_again(controller: &Double) {
    assert_eq!(controller.calls(Rpc::Unregister).len(), 1);
    let statuses = controller.statuses();
    let free = statuses
        .iter()
        .filter(|s| s.0 == ExporterStatus::Available)
        .count();
    assert_eq!(free, 1, "nobody is invited to a second lease: {statuses:?}");
}

#[test]
fn one_lease_and_out_with_the_reference_client() {
    one_lease_and_out(Cast::with(Make::Reference), nobody_is_invited_again);
}

#[test]
fn one_lease_and_out_with_our_client() {
    one_lease_and_out(Cast::with(Make::Ours), nobody_is_invited_again);
}

#[test]
fn one_lease_and_out_at_our_controller() {
    for cast in [Cast::OUR_EXPORTER, Cast::OURS] {
        one_lease_and_out::<Standalone>(cast, |_| ());
    }
}

#[test]
fn without_a_lease_it_stays() {
    let Some(make) = Make::but_not_the_reference(NEWER) else {
        return;
    };
    let (lab, other) = (Lab::new(), Lab::new());
    let (double, real) = (Double::start(&lab), Standalone::start(&other));
    let yaml = "exitOnLeaseEnd: true\n";
    let mut stations = [
        Station::start(&lab, make, &double, yaml),
        Station::start(&other, make, &real, yaml),
    ];
    thread::sleep(Duration::from_secs(10));
    assert!(stations.iter_mut().all(Station::runs));
    double.wait_free();
    real.wait_free();
}
