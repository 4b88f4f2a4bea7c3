//! An exporter and a controller that is told who it is, refuses, or talks nonsense.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Controller, Double, Fault, Kind, Lab, Make, PATIENCE, Rpc, Said, Station, Tunnel, Visitor,
};
use tonic::Code;

const LONG: Duration = Duration::from_secs(600);
const FRAGILE: &str = "0.9.0 gives up after five seconds without its controller";

#[test]
fn it_registers_and_says_who_it_is() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let make = Make::of_exporter();
    let yaml = Station::yaml(&controller, "");
    let loud = ["--log-level", "DEBUG"];
    let mut command = Station::command_with(&lab, make, &yaml, &loud);
    let mut station = Station::launch(make, &mut command);
    station.wait_free(&controller);
    controller.wait_for_calls(Rpc::Status, 1);
    if make == Make::Ours {
        // Nothing waits for its answer.
        controller.wait_for_calls(Rpc::GetServiceEndpoints, 1);
    }
    let journal = controller.journal();
    let order: Vec<_> = journal.iter().map(|call| call.rpc).collect();
    assert_eq!(order[..2], [Rpc::Register, Rpc::ReportStatus], "{order:?}");
    let again = |rpc| order[2..].contains(&rpc);
    assert!(
        !again(Rpc::Register) && !again(Rpc::ReportStatus),
        "{order:?}"
    );
    let access = controller.access();
    let bearer = format!("Bearer {}", access.exporter.1);
    for call in &journal {
        assert_eq!(call.kind, Kind::Exporter, "{call:?}");
        assert_eq!(
            call.metadata("jumpstarter-namespace"),
            Some("lab"),
            "{call:?}"
        );
        assert_eq!(call.metadata("jumpstarter-name"), Some("board"), "{call:?}");
        assert_eq!(
            call.metadata("authorization"),
            Some(bearer.as_str()),
            "{call:?}"
        );
    }
    let Said::Register(registered) = &journal[0].said else {
        panic!("{:?}", journal[0]);
    };
    assert_eq!(registered.reports.len(), 2, "a root and a power switch");
    if make == Make::Ours {
        let name = registered.labels.get("jumpstarter.dev/name");
        assert_eq!(name.map(String::as_str), Some("board"));
    }
    assert!(
        matches!(&journal[1].said, Said::Status(ExporterStatus::Available, text, false)
            if text == "Exporter registered and available"),
        "{:?}",
        journal[1]
    );
    let (_, log) = station.stop();
    assert!(
        !log.contains(&access.exporter.1),
        "the token is in the log:\n{log}"
    );
    controller.wait_offline();
    let last: Vec<_> = controller
        .journal()
        .into_iter()
        .filter(|call| call.begins)
        .map(|call| call.said)
        .rev()
        .take(2)
        .collect();
    assert!(
        matches!(&last[0], Said::Leaving(why) if why == "Exporter shutdown"),
        "{last:?}"
    );
    assert!(
        matches!(&last[1], Said::Status(ExporterStatus::Offline, text, _)
            if text == "Exporter shutting down"),
        "{last:?}"
    );
}

#[test]
fn a_router_is_told_its_token_and_nothing_else() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let station = Station::start(&lab, Make::of_exporter(), &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    visitor.shell(["j", "power", "on"]).succeeds();
    let tunnels = controller.calls(Rpc::Tunnel);
    assert!(!tunnels.is_empty());
    for call in &tunnels {
        assert!(call.metadata("request").is_none(), "{call:?}");
        assert!(call.metadata("jumpstarter-kind").is_none(), "{call:?}");
        let bearer = call.metadata("authorization").unwrap();
        let token = bearer.strip_prefix("Bearer ").unwrap();
        assert!(
            !station.log().text().contains(token),
            "{}",
            station.log().text()
        );
    }
}

#[test]
fn an_unverified_certificate_will_do_if_the_environment_says_so() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let make = Make::of_exporter();
    let yaml = controller.access().exporter_yaml();
    let ca = yaml.lines().find(|line| line.starts_with("tls:")).unwrap();
    let yaml = yaml.replace(ca, "tls: {ca: '', insecure: false}")
        + "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";
    let mut command = Station::command_from(&lab, make, &yaml);
    command.env("JUMPSTARTER_GRPC_INSECURE", "1");
    let station = Station::launch(make, &mut command);
    controller.wait_free();
    for client in [Make::Reference, Make::Ours] {
        let visitor = Visitor::new(&lab, &controller, client);
        visitor.shell(["j", "power", "on"]).succeeds();
        controller.wait_free();
    }
    drop(station);
}

#[test]
fn nonsense_on_the_streams_is_survived() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let faults = [
        Fault::Garbage,
        Fault::WebPage,
        Fault::Answer(Code::Unimplemented, "unknown method"),
        Fault::Answer(Code::Unauthenticated, "invalid token"),
    ];
    for fault in &faults {
        controller.fault(Rpc::Status, fault.clone(), Some(1));
        controller.fault(Rpc::Listen, fault.clone(), Some(1));
    }
    let _station = Station::start(&lab, make, &controller, "");
    // A Status stream had to be opened for the exporter to be seen as free.
    controller.wait_for_calls(Rpc::Status, faults.len() + 1);
    let lease = controller.lease(LONG);
    controller.wait_for_calls(Rpc::Listen, faults.len() + 1);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let tunnel = Tunnel::open(&controller, &lease);
    visitor.works_through(&tunnel);
    visitor.leave(&lease, &tunnel);
    controller.wait_free();
}

#[test]
fn what_a_controller_need_not_know_is_done_without() {
    let make = Make::of_exporter();
    for fault in [
        Fault::Answer(Code::Unimplemented, "unknown method"),
        Fault::Answer(Code::PermissionDenied, "no"),
        Fault::Garbage,
        Fault::WebPage,
    ] {
        println!("{fault:?}");
        let lab = Lab::new();
        let controller = Double::start(&lab);
        controller.fault(Rpc::GetServiceEndpoints, fault, None);
        let _station = Station::start(&lab, make, &controller, "");
        let visitor = Visitor::new(&lab, &controller, Make::Ours);
        visitor.shell(["j", "power", "on"]).succeeds();
        controller.wait_free();
    }
}

#[test]
fn a_controller_without_statuses_can_still_lease() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.fault(
        Rpc::ReportStatus,
        Fault::Answer(Code::Unimplemented, "unknown method"),
        None,
    );
    let make = Make::of_exporter();
    let mut command = Station::command(&lab, make, &controller, "");
    let station = Station::launch(make, &mut command);
    controller.wait_until("there", |seen| seen.online && seen.registered);
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    for _ in 0..2 {
        visitor.shell(["j", "power", "on"]).succeeds();
    }
    let warned = "ReportStatus not supported by controller, status updates will be skipped";
    station.log().wait_for(warned, PATIENCE).expect("a warning");
}

#[test]
fn an_exporter_that_is_refused_gives_up_after_five_attempts() {
    let Some(make) = Make::but_not_the_reference("it has no exit code for that") else {
        return;
    };
    for code in [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::InvalidArgument,
        Code::NotFound,
        Code::FailedPrecondition,
    ] {
        let lab = Lab::new();
        let controller = Double::start(&lab);
        controller.fault(
            Rpc::Register,
            Fault::Answer(code, "you are not welcome"),
            None,
        );
        let mut command = Station::command(&lab, make, &controller, "");
        let (ended, log) = Station::launch(make, &mut command).wait(PATIENCE * 2);
        assert_eq!(ended, 1, "{log}");
        assert_eq!(controller.calls(Rpc::Register).len(), 5, "{log}");
        assert!(log.contains("failed 5 times within 60s each"), "{log}");
        assert!(log.contains("you are not welcome"), "{log}");
    }
}

#[test]
fn an_exporter_with_a_token_of_somebody_else_gives_up() {
    let Some(make) = Make::but_not_the_reference("it has no exit code for that") else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let token = controller.access().exporter.1;
    let yaml = Station::yaml(&controller, "").replace(&token, "of.somebody.else");
    let mut command = Station::command_from(&lab, make, &yaml);
    let (ended, log) = Station::launch(make, &mut command).wait(PATIENCE * 2);
    assert_eq!(ended, 1, "{log}");
    assert!(log.contains("failed 5 times within 60s each"), "{log}");
    assert!(
        log.contains("check `endpoint`, `token` and `metadata`"),
        "{log}"
    );
    assert!(!log.contains("of.somebody.else"), "{log}");
}

#[test]
fn an_exporter_that_is_refused_for_now_tries_on() {
    let Some(make) = Make::but_not_the_reference(FRAGILE) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    for fault in [
        Fault::Answer(Code::Unavailable, "shutting down"),
        Fault::Answer(Code::Unknown, "oidc: authenticator not initialized"),
        Fault::Garbage,
        Fault::WebPage,
    ] {
        controller.fault(Rpc::Register, fault, Some(1));
    }
    let _station = Station::start(&lab, make, &controller, "");
    assert_eq!(controller.calls(Rpc::Register).len(), 5);
}
