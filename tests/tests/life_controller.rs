//! An exporter and a controller that is away, comes back, refuses, or talks nonsense.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    thread,
    time::{Duration, Instant},
};

use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{
    Call, Controller, Double, Fault, Hooks, Kind, Lab, Make, PATIENCE, Rpc, Said, Station, Tunnel,
    Visitor, run,
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

fn statuses(controller: &Double) -> Vec<ExporterStatus> {
    controller
        .statuses()
        .into_iter()
        .map(|status| status.0)
        .collect()
}

/// `j power on` by our client through this tunnel.
#[track_caller]
fn works(visitor: &Visitor<'_, Double>, tunnel: &Tunnel) {
    let mut shell = visitor.through(tunnel);
    run(shell.args(["--", "j", "power", "on"]), PATIENCE).succeeds();
}

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
    works(&visitor, &tunnel);
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
        works(&visitor, &tunnel);
        println!("round {round}");
    }
    assert_eq!(hooks.diary().len(), 2, "{:#?}", hooks.diary());
    visitor.leave(&lease, &tunnel);
    controller.wait_free();
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
    works(&visitor, &tunnel);
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
    works(&visitor, &tunnel);
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
