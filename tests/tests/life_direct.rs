//! Hooks of an exporter on a port of its own, with both clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Exporter, Lab, Make, Outcome, PATIENCE, run};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

macro_rules! with_both_clients {
    ($($story:ident),* $(,)?) => {
        mod the_reference_client {
            $(#[test] fn $story() { super::$story(super::Make::Reference); })*
        }
        mod our_client {
            $(#[test] fn $story() { super::$story(super::Make::Ours); })*
        }
    };
}

with_both_clients![
    sessions_one_after_another,
    tls_is_not_what_this_port_speaks,
    the_first_hook_has_done_its_work_before_a_client_comes,
    the_second_hook_runs_when_the_exporter_stops,
    the_passphrase_decides,
];

fn exporter<'lab>(lab: &'lab Lab, hooks: &str, passphrase: Option<&str>) -> Exporter<'lab> {
    let yaml = format!(
        "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\n\
         metadata: {{namespace: lab, name: board}}\nexport:\n  {POWER}\n{hooks}"
    );
    let setup = lab.exporter_from(&yaml);
    match passphrase {
        Some(passphrase) => setup.passphrase(passphrase).start(),
        None => setup.start(),
    }
}

fn jmp(lab: &Lab, client: Make, exporter: &Exporter<'_>) -> Command {
    let mut command = client.command(lab, "jmp");
    command.args(["shell", "--tls-grpc", &exporter.address()]);
    command
}

fn shell(lab: &Lab, client: Make, exporter: &Exporter<'_>, words: &[&str]) -> Outcome {
    let mut command = jmp(lab, client, exporter);
    run(command.arg("--tls-grpc-insecure").args(words), PATIENCE)
}

fn sessions_one_after_another(client: Make) {
    let lab = Lab::new();
    let exporter = exporter(&lab, "", None);
    shell(&lab, client, &exporter, &["--", "j", "power", "on"]).succeeds();
    shell(&lab, client, &exporter, &["--", "j", "power", "off"]).succeeds();
}

fn tls_is_not_what_this_port_speaks(client: Make) {
    let lab = Lab::new();
    let exporter = exporter(&lab, "", None);
    let mut command = jmp(&lab, client, &exporter);
    let outcome = run(command.args(["--", "j", "power", "on"]), PATIENCE);
    assert_ne!(outcome.code, 0, "{outcome}");
    shell(&lab, client, &exporter, &["--", "j", "power", "on"]).succeeds();
}

fn the_first_hook_has_done_its_work_before_a_client_comes(client: Make) {
    let lab = Lab::new();
    let hooks = "hooks:\n  beforeLease:\n    timeout: 30\n    script: |\n      \
                 echo BEFORE_HOOK_DIRECT: executed\n      j power on\n      \
                 echo BEFORE_HOOK_DIRECT: complete\n";
    let exporter = exporter(&lab, hooks, None);
    let words = ["--exporter-logs", "--", "j", "power", "off"];
    let outcome = shell(&lab, client, &exporter, &words);
    outcome.succeeds();
    let said = format!("{}\n{}", outcome.stdout, outcome.stderr);
    for marker in [
        "BEFORE_HOOK_DIRECT: executed",
        "BEFORE_HOOK_DIRECT: complete",
    ] {
        assert!(said.contains(marker), "no `{marker}`: {outcome}");
    }
    let log = exporter.log().text();
    let on = log.find("power on").expect("the hook switched it on");
    let off = log.find("power off").expect("the client switched it off");
    assert!(on < off, "{log}");
}

fn the_second_hook_runs_when_the_exporter_stops(client: Make) {
    let lab = Lab::new();
    let hooks = "hooks:\n  beforeLease: {script: 'echo BEFORE_HOOK_DIRECT: executed', timeout: 10}\n  \
                 afterLease: {script: 'echo AFTER_HOOK_DIRECT: executed', timeout: 10}\n";
    let exporter = exporter(&lab, hooks, None);
    shell(&lab, client, &exporter, &["--", "j", "power", "on"]).succeeds();
    assert!(!exporter.log().text().contains("AFTER_HOOK_DIRECT"));
    let (port, log, stopped) = (exporter.port(), exporter.log().clone(), Instant::now());
    let (code, _) = exporter.stop();
    assert_eq!(code, 143, "{}", log.text());
    assert!(
        log.text().contains("AFTER_HOOK_DIRECT: executed"),
        "{}",
        log.text()
    );
    assert!(stopped.elapsed() < Duration::from_secs(10));
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

fn the_passphrase_decides(client: Make) {
    let lab = Lab::new();
    // The hook talks to its own socket, where nobody is asked.
    let hooks = "hooks:\n  beforeLease: {script: 'j power on', timeout: 30, onFailure: endLease}\n";
    let exporter = exporter(&lab, hooks, Some("open sesame"));
    let on = ["--", "j", "power", "on"];
    let with = |passphrase: &str| {
        let mut words = vec!["--passphrase", passphrase];
        words.extend(on);
        shell(&lab, client, &exporter, &words)
    };
    with("open sesame").succeeds();
    let wrong = with("open barley");
    assert_ne!(wrong.code, 0, "{wrong}");
    let none = shell(&lab, client, &exporter, &on);
    assert_ne!(none.code, 0, "{none}");
    let log = exporter.log().text();
    assert!(
        log.contains("authentication failed: invalid or missing passphrase"),
        "{log}"
    );
    assert!(!log.contains("open barley"), "{log}");
    assert!(!log.contains("open sesame"), "{log}");
}
