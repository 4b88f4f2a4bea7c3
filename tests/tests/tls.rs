//! TLS on the exporter's port: who gets in, and what the others read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Certs, Lab, PATIENCE, run};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

#[test]
fn a_client_that_knows_the_authority_gets_in() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    exporter.shell(["j", "power", "on"]).succeeds();
    exporter.j(["power", "off"]).succeeds();
}

#[test]
fn an_authority_can_be_named_and_all_in_the_shell_know_it() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    let mut shell = exporter.shell_command();
    shell
        .env_remove("SSL_CERT_FILE")
        .arg("--tls-ca")
        .arg(&exporter.certs().ca)
        .args(["--", "sh", "-c", "cd / && j power on"]);
    run(&mut shell, PATIENCE).succeeds();
}

#[test]
fn a_client_that_does_not_know_it_stays_out() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    let elsewhere = lab.folder("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let stranger = Certs::make(&elsewhere);
    let mut shell = exporter.shell_command();
    shell
        .env("SSL_CERT_FILE", &stranger.ca)
        .args(["--", "true"]);
    run(&mut shell, PATIENCE).fails(1).complains("certificate");
}

#[test]
fn an_unverified_connection_is_possible_and_has_to_be_asked_for() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    let mut shell = exporter.shell_command();
    shell
        .env_remove("SSL_CERT_FILE")
        .env("JMP_GRPC_INSECURE", "1")
        .args(["--", "true"]);
    run(&mut shell, PATIENCE).succeeds();
}

#[test]
fn a_plaintext_client_stays_out() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    lab.jmp([
        "shell",
        "--tls-grpc",
        &exporter.address(),
        "--tls-grpc-insecure",
        "--",
        "true",
    ])
    .fails(1)
    .complains("Error: ");
    exporter.shell(["j", "power", "on"]).succeeds();
}

#[test]
fn the_socket_beside_the_port_needs_no_certificate() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).tls().start();
    let mut j = lab.command("j");
    j.env("JUMPSTARTER_HOST", exporter.socket())
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .args(["power", "on"]);
    run(&mut j, PATIENCE).succeeds();
}
