//! A passphrase at the exporter's door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Exporter, Lab, Outcome, PATIENCE, run};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";
const RIGHT: &str = "correct-horse-battery-staple";
const WRONG: &str = "wrong-horse-battery-staple";

fn shell_saying(lab: &Lab, exporter: &Exporter<'_>, words: &[&str]) -> Outcome {
    let mut jmp = lab.command("jmp");
    jmp.args([
        "shell",
        "--tls-grpc",
        &exporter.address(),
        "--tls-grpc-insecure",
    ])
    .args(words)
    .args(["--", "j", "power", "on"]);
    run(&mut jmp, PATIENCE)
}

#[test]
fn the_right_one_opens_the_door_for_the_shell_and_all_in_it() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).passphrase(RIGHT).start();
    exporter.shell(["j", "power", "on"]).succeeds();
    exporter
        .shell(["sh", "-c", "j power read; j power off"])
        .succeeds();
    exporter
        .shell(["env"])
        .prints(&format!("JMP_GRPC_PASSPHRASE={RIGHT}"));
}

#[test]
fn it_travels_under_tls() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().passphrase(RIGHT).start();
    exporter.shell(["j", "power", "on"]).succeeds();
    assert!(!exporter.log().text().contains(RIGHT));
}

#[test]
fn a_wrong_one_is_refused_and_never_repeated() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).passphrase(RIGHT).start();
    shell_saying(&lab, &exporter, &["--passphrase", WRONG])
        .fails(1)
        .complains("uthentication failed: invalid or missing passphrase")
        .never_says(WRONG);
    let line = exporter
        .log()
        .wait_for(
            "authentication failed: invalid or missing passphrase",
            PATIENCE,
        )
        .expect("a warning");
    assert!(line.contains("/jumpstarter.v1.ExporterService/"), "{line}");
    let (_, log) = exporter.stop();
    assert!(!log.contains(WRONG) && !log.contains(RIGHT), "{log}");
}

#[test]
fn none_is_refused_too() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).passphrase(RIGHT).start();
    shell_saying(&lab, &exporter, &[])
        .fails(1)
        .complains("invalid or missing passphrase");
}

#[test]
fn in_plaintext_it_is_asked_for_with_a_warning() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).passphrase(RIGHT).start();
    exporter
        .log()
        .wait_for("--passphrase has no effect without TLS", PATIENCE)
        .expect("a warning");
}

#[test]
fn the_socket_beside_the_port_does_not_ask() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).passphrase(RIGHT).start();
    let mut j = lab.command("j");
    j.env("JUMPSTARTER_HOST", exporter.socket())
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .args(["power", "on"]);
    run(&mut j, PATIENCE).succeeds();
}
