//! `jmp shell --exporter-config`: the drivers of a file on this machine, for the length of a shell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use jumpstarter_tests::{Lab, Outcome, PATIENCE, run};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

fn shell(lab: &Lab, export: &str, command: &[&str]) -> Outcome {
    let setup = lab.exporter(export);
    let mut jmp = lab.command("jmp");
    jmp.args(["shell", "--exporter-config"])
        .arg(setup.config())
        .arg("--")
        .args(command);
    run(&mut jmp, PATIENCE)
}

#[test]
fn drivers_are_there_for_the_command() {
    let lab = Lab::new();
    shell(&lab, POWER, &["j", "power", "on"]).succeeds();
    shell(&lab, POWER, &["j", "power", "read"])
        .succeeds()
        .prints("voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA")
        .prints("voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA");
}

#[test]
fn the_exit_code_is_the_commands() {
    let lab = Lab::new();
    shell(&lab, POWER, &["true"]).succeeds();
    shell(&lab, POWER, &["sh", "-c", "exit 7"]).fails(7);
    shell(&lab, POWER, &["no-such-program"])
        .fails(127)
        .complains("command not found: no-such-program");
}

#[test]
fn the_environment_names_a_private_socket() {
    let lab = Lab::new();
    let looked = shell(
        &lab,
        POWER,
        &[
            "sh",
            "-c",
            "env; stat -c 'folder %a' $(dirname $JUMPSTARTER_HOST)",
        ],
    );
    looked
        .succeeds()
        .prints("JMP_DRIVERS_ALLOW=UNSAFE")
        .prints("folder 700")
        .never_says("JMP_LEASE=");
    let host = looked
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("JUMPSTARTER_HOST="))
        .expect("a host");
    assert!(!Path::new(host).exists(), "{host} was left behind");
}

#[test]
fn nothing_is_left_running() {
    let lab = Lab::new();
    // The children of jmp while the command runs: the command, and the exporter.
    let children = "cat /proc/$PPID/task/$PPID/children";
    let looked = shell(&lab, POWER, &["sh", "-c", children]);
    let pids: Vec<&str> = looked.succeeds().stdout.split_whitespace().collect();
    assert_eq!(pids.len(), 2, "{looked}");
    for pid in pids {
        let left = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!left.contains("jmp-exporter"), "{pid} still runs: {left}");
    }
}

#[test]
fn a_mistake_in_the_file_is_shown_before_anything_runs() {
    let lab = Lab::new();
    shell(&lab, "power: {type: nonsense}", &["touch", "ran"])
        .fails(1)
        .complains("nonsense");
    assert!(!lab.folder("ran").exists());
}

#[test]
fn the_file_has_to_be_there() {
    let lab = Lab::new();
    lab.jmp(["shell", "--exporter-config", "nowhere.yaml", "--", "true"])
        .fails(1)
        .complains("nowhere.yaml");
}

#[test]
fn the_runtime_folder_is_left_as_it_was() {
    let lab = Lab::new();
    shell(&lab, POWER, &["j", "power", "on"]).succeeds();
    let run = lab.folder("run");
    let left: Vec<_> = fs::read_dir(&run)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    let sockets = left.iter().filter(|path| path.join("socket").exists());
    assert_eq!(sockets.count(), 0, "{left:?}");
    let mode = fs::metadata(&run).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
