//! What the log looks like to whoever reads it: people at a terminal, collectors at a pipe.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

use jumpstarter_tests::{Lab, PATIENCE, Terminal, free_port};
use nix::sys::signal::Signal;
use serde_json::Value;

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

/// An exporter with these options before `run`, not started yet.
fn exporter(lab: &Lab, options: &[&str]) -> Command {
    let config = lab.exporter(POWER).config().clone();
    let mut command = lab.command("jmp-exporter");
    command
        .args(options)
        .args(["run", "--exporter-config"])
        .arg(config)
        .args(["--tls-grpc-listener", &format!("127.0.0.1:{}", free_port())])
        .arg("--tls-grpc-insecure");
    command
}

/// The screen of a terminal on which it has started and was stopped with Ctrl-C.
fn screen(command: &Command) -> String {
    let mut terminal = Terminal::start(command);
    terminal.shows("Session server started", PATIENCE);
    terminal.types("\u{3}");
    terminal.shows("Session server stopped", PATIENCE);
    let screen = terminal.screen();
    assert_eq!(terminal.ends(PATIENCE), 128 + Signal::SIGINT as i32);
    screen
}

#[test]
fn on_a_terminal_lines_are_for_people() {
    let lab = Lab::new();
    let screen = screen(&exporter(&lab, &[]));
    let green_info = "\u{1b}[32mINFO\u{1b}[0m ";
    let line = screen.lines().find(|line| line.contains("started on"));
    let line = line.unwrap_or_else(|| panic!("{screen:?}"));
    assert!(line.starts_with(green_info), "{line:?}");
    assert!(!screen.contains("\"msg\""), "{screen:?}");
}

#[test]
fn whoever_wants_no_colours_gets_none() {
    let lab = Lab::new();
    let mut command = exporter(&lab, &[]);
    command.env("NO_COLOR", "1");
    let screen = screen(&command);
    let line = screen.lines().find(|line| line.contains("started on"));
    assert!(line.unwrap().starts_with("INFO "), "{screen:?}");
}

#[test]
fn a_terminal_gets_json_if_it_asks_for_it() {
    let lab = Lab::new();
    let screen = screen(&exporter(&lab, &["--log-format", "json"]));
    let line = screen.lines().find(|line| line.contains("started on"));
    let line = line.unwrap_or_else(|| panic!("{screen:?}"));
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["level"], "info");
}

#[test]
fn a_pipe_gets_json_with_all_that_a_collector_wants_to_know() {
    let lab = Lab::new();
    let exporter = lab
        .exporter(POWER)
        .env("NAMESPACE", "")
        .env("POD_NAMESPACE", "lab-3")
        .start();
    exporter.j(["power", "on"]).succeeds();
    let (_, text) = exporter.stop();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    for line in &lines {
        let ts = line["ts"].as_str().unwrap();
        assert_eq!(ts.len(), "2026-11-22T00:03:04.000123Z".len());
        assert!(ts.ends_with('Z'), "{line}");
        assert!(["info", "warning"].contains(&line["level"].as_str().unwrap()));
        assert!(line["msg"].is_string() && line["logger"].is_string());
        assert_eq!(line["component"], "exporter");
        assert_eq!(line["namespace"], "lab-3");
        assert_eq!(line["exporter"], "story");
        assert_eq!(line["lease_id"], "standalone");
    }
    let completed = lines
        .iter()
        .find(|line| line["msg"] == "Operation completed");
    let completed = completed.expect("a call was made");
    assert_eq!(completed["logger"], "driver.MockPower");
    assert_eq!(completed["driver_type"], "power");
    assert_eq!(completed["operation"], "on");
    assert_eq!(completed["result"], "success");
}
