//! Scripts of the lab host, from the configuration to a person's exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{fs, thread, time::Duration, time::Instant};

use jumpstarter_tests::{Exporter, Lab, PATIENCE, Terminal};
use nix::{sys::signal::kill, unistd::Pid};

const HOST: &str = r#"
host:
  type: jumpstarter_driver_shell.driver.Shell
  config:
    methods:
      greet: 'echo "$GREETING $1 ($# words)"; echo complaint >&2'
      leave: {command: 'exit "$1"', description: Leave with a code}
      killed: 'kill -TERM $$'
      slow: 'echo started; sleep 600 & echo $! > "$1"; echo $$ >> "$1"; wait; echo never'
      brief: {command: 'sleep 600', timeout: 1}
power:
  type: jumpstarter_driver_power.driver.MockPower
"#;

fn exporter(lab: &Lab) -> Exporter<'_> {
    lab.exporter(HOST.trim()).start()
}

#[test]
fn scripts_are_listed_with_their_texts() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    exporter
        .j(["host", "--help"])
        .succeeds()
        .prints("Shell command executor")
        .prints("leave   Leave with a code")
        .prints("greet   Execute the greet shell method");
    exporter
        .j(["host", "dance"])
        .fails(1)
        .complains("No such command 'dance'.");
}

#[test]
fn words_and_variables_reach_the_script() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    let said = exporter.j(["host", "greet", "-e", "GREETING=hello", "big board", "--x"]);
    said.succeeds();
    assert_eq!(said.stdout, "hello big board (2 words)");
    assert_eq!(said.stderr, "complaint");
    exporter
        .j(["host", "greet", "-e", "PATH=/tmp"])
        .fails(1)
        .complains("Error: Environment variable 'PATH' is blocked for security reasons");
}

#[test]
fn the_scripts_code_is_ours() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    for code in [0, 1, 42, 255] {
        exporter.j(["host", "leave", &code.to_string()]).fails(code);
    }
    exporter.j(["host", "killed"]).fails(143);
    exporter
        .j(["host", "brief"])
        .fails(199)
        .complains("Timeout expired while running brief");
    // And through the shell around it.
    exporter.shell(["j", "host", "leave", "42"]).fails(42);
}

#[test]
fn output_comes_as_it_is_made_and_ctrl_c_ends_the_script() {
    let lab = Lab::new();
    let exporter = exporter(&lab);
    let ids = lab.folder("ids");
    let mut j = exporter.j_command();
    j.args(["host", "slow"]).arg(&ids);
    let mut terminal = Terminal::start(&j);
    // It is not over yet, and never will be by itself.
    terminal.shows("started\r\n", PATIENCE);
    let until = Instant::now() + PATIENCE;
    let written = || fs::read_to_string(&ids).unwrap_or_default();
    while written().lines().count() < 2 {
        assert!(Instant::now() < until, "{}", written());
        thread::sleep(Duration::from_millis(5));
    }
    terminal.types("\x03");
    assert_eq!(terminal.ends(PATIENCE), 2);
    for id in written().lines() {
        let id = Pid::from_raw(id.parse().unwrap());
        while kill(id, None).is_ok() {
            assert!(Instant::now() < until, "{id} still runs on the lab host");
            thread::sleep(Duration::from_millis(5));
        }
    }
    // The driver is there for the next one.
    exporter.j(["host", "leave", "7"]).fails(7);
}
