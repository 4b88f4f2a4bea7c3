//! The log of an exporter that works for a controller: on its stderr, and at the collector that the
//! controller names.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use jumpstarter_proto::v1::{ExporterStatus, LogEntry};
use jumpstarter_tests::{
    Controller, Double, Fault, Lab, Make, PATIENCE, Rpc, Station, Tunnel, Visitor,
};
use serde_json::Value;

const HOOKS: &str = "hooks:
  beforeLease: {script: 'echo preparing'}
  afterLease: {script: 'echo cleaning'}
";

/// One lease about pipeline 7, with a call in it, and the end of the exporter; its log.
fn one_lease(lab: &Lab, controller: &Double) -> String {
    let station = Station::start(lab, Make::Ours, controller, HOOKS);
    let visitor = Visitor::new(lab, controller, Make::Ours);
    let lease = controller.lease_about(&[("pipeline", "7")]);
    controller.wait_status(ExporterStatus::LeaseReady);
    let tunnel = Tunnel::open(controller, &lease);
    let mut shell = visitor.through(&tunnel);
    shell.args(["--", "j", "power", "on"]);
    jumpstarter_tests::run(&mut shell, PATIENCE).succeeds();
    visitor.leave(&lease, &tunnel);
    drop(tunnel);
    controller.wait_free();
    let (_, log) = station.stop();
    log
}

fn printed(log: &str) -> Vec<Value> {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Microsecond, level and message of each line from the first lease on. In order of time within a
/// second, because lines of several threads may be printed in another order than they are pushed.
type Known = Vec<(String, String, String)>;

fn known(lines: impl Iterator<Item = (String, String, String)>) -> Known {
    let lines = lines.skip_while(|line| !line.2.starts_with("Starting new lease"));
    let mut lines: Known = lines.collect();
    lines.sort();
    lines
}

fn of_the_log(log: &str) -> Known {
    known(printed(log).into_iter().map(|line| {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let ts = text("ts");
        (ts[ts.len() - 7..].to_owned(), text("level"), text("msg"))
    }))
}

fn of_the_collector(entries: &[LogEntry]) -> Known {
    known(entries.iter().map(|entry| {
        let micros = entry.timestamp.unwrap().nanos / 1000;
        let message = entry.message.clone();
        (format!("{micros:06}Z"), entry.severity.clone(), message)
    }))
}

#[test]
fn lines_of_a_lease_say_whose_it_is_and_what_about() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let lines = printed(&one_lease(&lab, &controller));
    let find = |message: &str| {
        let line = lines.iter().find(|line| line["msg"] == message);
        line.unwrap_or_else(|| panic!("no `{message}` in {lines:#?}"))
    };
    for message in ["preparing", "Operation completed", "cleaning"] {
        let line = find(message);
        assert_eq!(line["exporter"], "board", "{line}");
        assert!(line["lease_id"].is_string(), "{line}");
        assert_eq!(line["client"], "tester", "{line}");
        assert_eq!(line["pipeline"], "7", "{line}");
    }
    for line in [&lines[0], lines.last().unwrap()] {
        assert_eq!(line["exporter"], "board", "{line}");
        for name in ["lease_id", "client", "pipeline"] {
            assert!(line.get(name).is_none(), "{line}");
        }
    }
}

#[test]
fn a_collector_gets_everything_to_the_last_line() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.collects_logs("info");
    let log = one_lease(&lab, &controller);
    let entries = controller.lines();
    let (pushed, printed) = (of_the_collector(&entries), of_the_log(&log));
    assert!(!pushed.is_empty());
    assert_eq!(pushed, printed, "{log}");

    let find = |message: &str| -> &LogEntry {
        let entry = entries.iter().find(|entry| entry.message == message);
        entry.unwrap_or_else(|| panic!("no `{message}` in {pushed:#?}"))
    };
    for message in ["preparing", "Operation completed", "cleaning"] {
        let entry = find(message);
        assert_eq!(entry.component, "exporter");
        assert_eq!(entry.exporter, "board");
        assert_eq!(entry.client, "tester");
        assert_eq!(entry.extra_fields["pipeline"], "7");
        assert!(!entry.lease.is_empty());
    }
    let completed = find("Operation completed");
    assert_eq!(
        (&*completed.operation, &*completed.result),
        ("on", "success")
    );
    assert_eq!(completed.driver_type, "power");

    let token = controller.access().exporter.1;
    for push in controller.calls(Rpc::PushLogs) {
        let bearer = format!("Bearer {token}");
        assert_eq!(push.metadata("authorization"), Some(bearer.as_str()));
    }
    assert!(!log.contains(&token));
}

#[test]
fn a_collector_that_refuses_everything_costs_nothing_but_its_lines() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    controller.collects_logs("debug");
    let refusal = Fault::Answer(
        tonic::Code::PermissionDenied,
        "token is not an exporter token",
    );
    controller.fault(Rpc::PushLogs, refusal, None);
    let log = one_lease(&lab, &controller);
    let complaint = "entries dropped: PERMISSION_DENIED: token is not an exporter token";
    let complaints = log.lines().filter(|line| {
        line.starts_with("[telemetry] PushLogs failed, ") && line.ends_with(complaint)
    });
    assert!(complaints.count() >= 1, "{log}");
    let logged = of_the_log(&log);
    assert!(logged.iter().any(|line| line.2 == "cleaning"), "{log}");
    let told = logged.iter().any(|line| line.2.contains("PushLogs"));
    assert!(!told, "{log}");
}
