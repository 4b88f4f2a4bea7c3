//! `make lab`: everything it tells people to type works, and nothing stays behind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jumpstarter_tests::{Lab, PATIENCE, Programs, Terminal, run};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The script, for the programs beside this test.
fn script(lab: &Lab) -> Command {
    let mut command = lab.foreign(&Programs::source().join("scripts/lab.sh"));
    command.arg(lab.programs().folder());
    command
}

/// What is left in the folder for temporary files, and in the user's home.
fn left(lab: &Lab) -> Vec<PathBuf> {
    let folders = [lab.folder("run"), lab.folder("home")];
    let entries = folders.iter().flat_map(|it| fs::read_dir(it).unwrap());
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Processes that work in this lab, with their command lines.
fn alive(lab: &Lab) -> Vec<(i32, String)> {
    let ours = lab.folder("run").display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    });
    processes.filter(|(_, line)| line.contains(&ours)).collect()
}

#[test]
fn whatever_the_lab_tells_people_to_type_works() {
    let lab = Lab::new();
    let tour = run(script(&lab).arg("--check"), PATIENCE * 3);
    tour.succeeds();
    let commands = tour.stdout.lines().filter(|line| line.starts_with("$ "));
    assert!(commands.count() >= 8, "{tour}");
    assert_eq!((left(&lab), alive(&lab)), (vec![], vec![]), "{tour}");
}

#[test]
fn ctrl_c_ends_the_lab_and_leaves_nothing() {
    let lab = Lab::new();
    let mut terminal = Terminal::start(&script(&lab));
    terminal.shows("Ctrl-C ends it all", PATIENCE * 2);
    let screen = terminal.screen();
    let source = screen
        .lines()
        .find(|line| line.trim().starts_with("source "));
    let source = source.expect("it says how to begin").trim().to_owned();
    // As in another terminal, without anything of the first.
    let mut other = lab.foreign(Path::new("bash"));
    other
        .arg("-c")
        .arg(format!("{source} && jmp shell -l board=imx8 -- j power on"));
    run(&mut other, PATIENCE).succeeds();
    assert_eq!(left(&lab).len(), 1, "{:?}", left(&lab));
    terminal.types("\x03");
    assert_eq!(terminal.ends(PATIENCE), 0);
    assert_eq!((left(&lab), alive(&lab)), (vec![], vec![]));
}

#[test]
fn a_lab_whose_exporter_dies_says_so() {
    let lab = Lab::new();
    let mut terminal = Terminal::start(&script(&lab));
    terminal.shows("Ctrl-C ends it all", PATIENCE * 2);
    let processes = alive(&lab);
    let exporter = processes
        .iter()
        .find(|(_, line)| line.contains("bench-2.yaml"));
    let (pid, _) = exporter.expect("it runs");
    kill(Pid::from_raw(*pid), Signal::SIGKILL).unwrap();
    terminal.shows("one of the programs has ended", PATIENCE);
    assert_eq!(terminal.ends(PATIENCE), 1);
    assert_eq!((left(&lab), alive(&lab)), (vec![], vec![]));
}
