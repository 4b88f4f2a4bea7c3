//! Signals and exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::Path;

use jumpstarter_tests::{Exporter, Lab, PATIENCE, Terminal, free_port, run};
use nix::sys::signal::Signal;

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

fn exporter(lab: &Lab) -> Exporter<'_> {
    lab.exporter(POWER).start()
}

#[test]
fn the_exporter_ends_with_the_code_of_its_signal() {
    for (signal, code) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGINT, 130),
        (Signal::SIGHUP, 129),
    ] {
        let lab = Lab::new();
        let exporter = exporter(&lab);
        exporter.j(["power", "on"]).succeeds();
        exporter.signal(signal);
        let (ended, log) = exporter.wait(PATIENCE);
        assert_eq!(ended, code, "{signal}:\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn a_signal_in_any_of_the_first_moments_counts() {
    for milliseconds in [0, 1, 2, 5, 10, 20, 40] {
        let lab = Lab::new();
        let config = lab.exporter(POWER).config().clone();
        let listen = format!("127.0.0.1:{}", free_port());
        // `timeout` sends the signal and returns what came of it.
        let mut command = lab.foreign(Path::new("timeout"));
        command
            .args(["--preserve-status", "--signal=TERM", "--kill-after=60"])
            .arg(format!("0.{milliseconds:03}1"))
            .args(["jmp-exporter", "run", "--exporter-config"])
            .arg(config)
            .args(["--tls-grpc-listener", &listen, "--tls-grpc-insecure"]);
        run(&mut command, PATIENCE * 2).fails(143);
    }
}

#[test]
fn ctrl_c_in_a_shell_ends_the_command_and_the_session() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    let mut shell = exporter.shell_command();
    shell.args(["--", "sh", "-c", "echo ready; exec sleep 600"]);
    let mut terminal = Terminal::start(&shell);
    terminal.shows("ready", PATIENCE).types("\x03");
    assert_eq!(terminal.ends(PATIENCE), 2);
    exporter.shell(["j", "power", "on"]).succeeds();
}

#[test]
fn ctrl_c_in_an_endless_read_ends_it() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    let mut j = exporter.j_command();
    j.args(["power", "read", "-n", "0", "-i", "0.1"]);
    let mut terminal = Terminal::start(&j);
    terminal.shows("voltage=5.0 V", PATIENCE).types("\x03");
    assert_eq!(terminal.ends(PATIENCE), 2);
}
