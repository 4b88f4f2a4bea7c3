//! Signals and exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Exporter, Lab, PATIENCE, Terminal};
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
fn a_signal_in_the_first_moment_counts() {
    let lab = Lab::new();
    let mut setup = lab.command("jmp-exporter");
    let config = lab.exporter(POWER);
    setup
        .args(["run", "--exporter-config"])
        .arg(config.config())
        .args(["--tls-grpc-listener", "127.0.0.1:1", "--tls-grpc-insecure"]);
    // Port 1 may or may not be ours to take; either way the process has to end.
    let mut child = setup.stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, Signal::SIGTERM).ok();
    child.wait().unwrap();
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
