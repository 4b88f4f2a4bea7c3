//! Interactive shells: the prompt says where one is, and leaving says goodbye to the session.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{fs, process::Command};

use jumpstarter_tests::{Exporter, Lab, PATIENCE, Terminal};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

/// `jmp shell` with nothing to run, under this `$SHELL`; `None`, said aloud, where it is not there.
fn interactive(exporter: &Exporter<'_>, shell: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(shell));
    let Some(shell) = found.into_iter().find(|path| path.exists()) else {
        println!("skipped: there is no {shell} here; `make deps` installs it");
        return None;
    };
    let mut command = exporter.shell_command();
    command.env("SHELL", shell);
    Some(command)
}

/// What fish would have if it had been used before. Else it begins to read all manuals of the
/// machine, in a process that outlives it, the test and the lab.
const READ_ALREADY: &str = "home/.local/share/fish/generated_completions";

fn tour(shell: &str) {
    let lab = Lab::new();
    fs::create_dir_all(lab.folder(READ_ALREADY)).unwrap();
    let exporter = lab.exporter(POWER).start();
    let Some(command) = interactive(&exporter, shell) else {
        return;
    };
    let mut terminal = Terminal::start(&command);
    terminal
        .shows("⚡", PATIENCE)
        .shows("direct", PATIENCE)
        .shows("➤", PATIENCE)
        .types("j power read\r")
        .shows(
            "voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA",
            PATIENCE,
        )
        .types("exit 3\r");
    assert_eq!(terminal.ends(PATIENCE), 3);
}

#[test]
fn bash() {
    tour("bash");
}

#[test]
fn zsh() {
    tour("zsh");
}

#[test]
fn fish() {
    tour("fish");
}

#[test]
fn a_message_of_the_day_is_for_people() {
    let lab = Lab::new();
    let exporter = lab
        .exporter_from(
            "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\n\
             metadata: {namespace: lab, name: story}\n\
             motd: mind the loose cable\n\
             export: {power: {type: jumpstarter_driver_power.driver.MockPower}}\n",
        )
        .start();
    let command = interactive(&exporter, "bash").expect("bash is everywhere");
    let mut terminal = Terminal::start(&command);
    terminal
        .shows("mind the loose cable", PATIENCE)
        .types("exit\r");
    assert_eq!(terminal.ends(PATIENCE), 0);
    exporter.shell(["true"]).never_says("mind the loose cable");
}
