//! An exporter and a controller that is away, comes back, or loses the thread.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    thread,
    time::{Duration, Instant},
};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Call, Controller, Double, Fault, Hooks, Lab, Make, PATIENCE, Rpc, Station, Tunnel, Visitor, run,
};
use tonic::{Code, Status};

const LONG: Duration = Duration::from_secs(600);
const FRAGILE: &str = "0.9.0 gives up after five seconds without its controller";

/// How long a controller stays away: long enough for several attempts to reach it.
fn absence() -> Duration {
    let seconds = std::env::var("JMP_ABSENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(12))
}

#[test]
fn a_controller_that_is_not_there_yet_is_waited_for() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.gone();
    let mut command = Station::command(&lab, make, &controller, "");
    let mut station = Station::launch(make, &mut command);
    thread::sleep(absence());
    assert!(station.runs());
    controller.back();
    controller.wait_free();
    let warnings = station.log().text();
    let warnings = warnings
        .lines()
        .filter(|line| line.contains("WARN"))
        .count();
    assert!(
        warnings <= 3,
        "one failure is told once:\n{}",
        station.log().text()
    );
}

#[test]
fn a_controller_that_vanishes_while_it_is_asked_is_asked_again() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    for rpc in [
        Rpc::Register,
        Rpc::ReportStatus,
        Rpc::GetServiceEndpoints,
        Rpc::Status,
    ] {
        for fault in [Fault::Gone, Fault::GoneAfter] {
            println!("{rpc:?}, {fault:?}");
            let lab = Lab::new();
            let controller = Double::start(&lab);
            controller.fault(rpc, fault, Some(1));
            let mut command = Station::command(&lab, make, &controller, "");
            let _station = Station::launch(make, &mut command);
            controller.wait_for_calls(rpc, 1);
            thread::sleep(Duration::from_millis(500));
            controller.back();
            controller.wait_free();
            let visitor = Visitor::new(&lab, &controller, Make::Ours);
            visitor.shell(["j", "power", "on"]).succeeds();
            controller.wait_free();
        }
    }
}

#[test]
fn a_session_outlives_its_controllers_absence() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    let mut shell = visitor.through(&tunnel);
    let script = format!(
        "i=0; while [ ! -e {} ]; do j power on || exit 9; i=$((i+1)); sleep 1; done; echo times=$i",
        lab.folder("enough").display()
    );
    // One connection for all: a new one would have to be dialled, and nobody is there to ask.
    let session = format!("exec 3<&-; {script}");
    shell.args(["--", "sh", "-c", &session]);
    let reported = controller.calls(Rpc::ReportStatus).len();
    tunnel.status().unwrap();
    controller.gone();
    thread::sleep(absence());
    // The tunnel that was open before still leads to the same session.
    controller.back();
    controller.wait_for_calls(Rpc::Listen, 2);
    controller.wait_for_calls(Rpc::ReportStatus, reported + 1);
    assert_eq!(controller.seen().status, ExporterStatus::LeaseReady);
    lab.file("enough", "");
    run(&mut shell, PATIENCE).succeeds();
    visitor.works_through(&tunnel);
    visitor.leave(&lease, &tunnel);
    controller.wait_free();
    assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
}

#[test]
fn an_open_tunnel_works_while_the_controller_is_away() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, make, &controller, "");
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    let wait = absence();
    let answers = tunnel.ask(|mut client| {
        let controller = &controller;
        async move {
            let mut answers = 0;
            let ask = jumpstarter_proto::v1::GetStatusRequest {};
            client.get_status(ask).await.unwrap();
            tokio::task::block_in_place(|| controller.gone());
            let until = Instant::now() + wait;
            while Instant::now() < until {
                let status = client.get_status(ask).await.unwrap().into_inner();
                assert_eq!(status.status(), ExporterStatus::LeaseReady);
                answers += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            answers
        }
    });
    assert!(answers > 10, "{answers}");
    controller.back();
    controller.end_lease(&lease);
    controller.wait_free();
}

#[test]
fn a_lease_that_ended_while_the_controller_was_away_is_over() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    for held in ["before", "ready"] {
        if held == "before" {
            hooks.hold_before();
        }
        let lease = controller.lease(LONG);
        hooks.wait_for(&format!("before {lease}"), 1);
        if held == "ready" {
            controller.wait_status(ExporterStatus::LeaseReady);
        }
        controller.gone();
        controller.end_lease(&lease);
        thread::sleep(Duration::from_secs(2));
        hooks.let_before_go();
        controller.back();
        hooks.wait_for(&format!("after {lease}"), 1);
        controller.wait_free();
    }
    assert_eq!(hooks.diary().len(), 8, "{:#?}", hooks.diary());
}

#[test]
fn a_controller_that_is_away_during_a_hook_changes_nothing() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
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
        let lease = controller.lease(LONG);
        if held == "after" {
            let tunnel = Tunnel::open(&controller, &lease);
            tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
            tunnel.end_session().unwrap();
        }
        hooks.wait_for(held, 1);
        controller.gone();
        thread::sleep(Duration::from_secs(2));
        hooks.let_before_go();
        hooks.let_after_go();
        hooks.wait_for(&format!("{held} done"), 1);
        controller.back();
        if held == "before" {
            controller.wait_status(ExporterStatus::LeaseReady);
            controller.end_lease(&lease);
        }
        controller.wait_free();
        assert_eq!(hooks.diary().len(), 4, "{:#?}", hooks.diary());
    }
}

#[test]
fn streams_that_break_are_opened_again_and_the_lease_goes_on() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let make = Make::of_exporter();
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    let unavailable = Status::unavailable("the connection was lost");
    let other = Status::unknown("watch channel closed");
    for (round, error) in [Some(&unavailable), Some(&other), None]
        .into_iter()
        .enumerate()
    {
        for rpc in [Rpc::Status, Rpc::Listen] {
            let before = controller.calls(rpc).len();
            controller.hang_up(rpc, error);
            controller.wait_for_calls(rpc, before + 1);
        }
        visitor.works_through(&tunnel);
        println!("round {round}");
    }
    assert_eq!(hooks.diary().len(), 2, "{:#?}", hooks.diary());
    visitor.leave(&lease, &tunnel);
    controller.wait_free();
}

#[test]
fn a_release_is_repeated_until_it_is_heard() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, &hooks.yaml());
    for fault in [
        Fault::Answer(Code::Unavailable, "shutting down"),
        Fault::Answer(Code::DeadlineExceeded, "too slow"),
    ] {
        controller.fault(Rpc::ReleaseLease, fault, Some(1));
        let before = controller.calls(Rpc::ReleaseLease).len();
        let lease = controller.lease(LONG);
        let tunnel = Tunnel::open(&controller, &lease);
        tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
        tunnel.end_session().unwrap();
        controller.wait_until("released", |seen| seen.lease.is_none());
        controller.wait_free();
        let releases = controller.calls(Rpc::ReleaseLease);
        assert_eq!(releases.len(), before + 2);
        let of_lease = |call: &&Call| call.lease() == Some(lease.as_str());
        assert_eq!(releases.iter().filter(of_lease).count(), 2);
    }
}

#[test]
fn a_controller_that_vanishes_at_the_release_hears_of_it_later() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let hooks = Hooks::new(&lab);
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let _station = Station::start(&lab, make, &controller, &hooks.yaml());
    for fault in [Fault::Gone, Fault::GoneAfter] {
        println!("{fault:?}");
        let before = controller.calls(Rpc::ReleaseLease).len();
        controller.fault(Rpc::ReleaseLease, fault, Some(1));
        let lease = controller.lease(LONG);
        let tunnel = Tunnel::open(&controller, &lease);
        tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
        tunnel.end_session().unwrap();
        controller.wait_for_calls(Rpc::ReleaseLease, before + 1);
        thread::sleep(Duration::from_secs(2));
        controller.back();
        controller.wait_until("released", |seen| seen.lease.is_none());
        controller.wait_free();
        assert_eq!(
            hooks.count(&format!("after {lease}")),
            1,
            "{:#?}",
            hooks.diary()
        );
    }
    let lease = controller.lease(LONG);
    hooks.wait_for(&format!("before {lease}"), 1);
    controller.wait_status(ExporterStatus::LeaseReady);
}

#[test]
fn a_silent_controller_does_not_keep_an_exporter_from_leaving() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let station = Station::start(&lab, Make::of_exporter(), &controller, "");
    controller.fault(Rpc::ReportStatus, Fault::Silence, None);
    controller.fault(Rpc::Unregister, Fault::Silence, None);
    // Ten seconds are its budget for both.
    station.stop();
}

#[test]
fn a_controller_that_is_away_does_not_keep_an_exporter_from_leaving() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let station = Station::start(&lab, Make::of_exporter(), &controller, "");
    controller.gone();
    station.stop();
}
