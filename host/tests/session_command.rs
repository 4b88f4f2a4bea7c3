//! What the exporter says to whoever types its command line, and with which exit code it leaves.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::net::TcpListener;
use std::process::Output;

use session_support::{Home, POWER};

const HINT: &str = "Usage: jmp run [OPTIONS]\nTry 'jmp run --help' for help.\n\nError: ";

/// A home with a configuration and files that could be a certificate and a key.
fn home(config: &str) -> Home {
    let home = Home::new();
    home.write("x.yaml", config);
    home.write("c.pem", "nonsense");
    home.write("k.pem", "nonsense");
    home
}

fn jmp(home: &Home, args: &[&str]) -> Output {
    home.jmp().args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn usage_errors() {
    let home = home(POWER);
    let config = ["--exporter-config", "x.yaml"];
    let alias = ["--exporter", "bench"];
    let port = ["--tls-grpc-listener", "19090"];
    let insecure = ["--tls-grpc-insecure"];
    let cert = ["--tls-cert", "c.pem"];
    let key = ["--tls-key", "k.pem"];
    let cases: &[(&[&[&str]], &str)] = &[
        (
            &[],
            "Invalid value: one of --exporter, --exporter-config should be specified",
        ),
        (
            &[&config, &alias],
            "Invalid value: only one of --exporter, --exporter-config should be specified",
        ),
        (
            &[&config, &insecure],
            "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require --tls-grpc-listener",
        ),
        (
            &[&config, &cert],
            "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require --tls-grpc-listener",
        ),
        (
            &[&config, &key],
            "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require --tls-grpc-listener",
        ),
        (
            &[&config, &["--passphrase", "p"]],
            "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require --tls-grpc-listener",
        ),
        (
            &[&config, &port, &insecure, &cert],
            "--tls-grpc-insecure cannot be combined with --tls-cert / --tls-key",
        ),
        (
            &[&config, &port, &insecure, &key],
            "--tls-grpc-insecure cannot be combined with --tls-cert / --tls-key",
        ),
        (
            &[&config, &port],
            "--tls-grpc-listener requires either --tls-grpc-insecure or --tls-cert and --tls-key",
        ),
        (
            &[&config, &port, &cert],
            "--tls-grpc-listener requires either --tls-grpc-insecure or --tls-cert and --tls-key",
        ),
        (
            &[&config, &["--tls-grpc-listener", "host:abc"], &insecure],
            "Invalid value for '--tls-grpc-listener': port must be an integer, got 'abc'",
        ),
        (
            &[&config, &["--tls-grpc-listener", "host:0"], &insecure],
            "Invalid value for '--tls-grpc-listener': port must be between 1 and 65535, got 0",
        ),
        (
            &[&config, &["--tls-grpc-listener", "65536"], &insecure],
            "Invalid value for '--tls-grpc-listener': port must be between 1 and 65535, got 65536",
        ),
        // Before everything else, even before the missing configuration.
        (
            &[&["--tls-cert", "x"], &insecure],
            "Invalid value for '--tls-cert': Path 'x' does not exist.",
        ),
        (
            &[&["--tls-key", "x"]],
            "Invalid value for '--tls-key': Path 'x' does not exist.",
        ),
        // A combination that makes no sense comes before a port that makes none.
        (
            &[&config, &["--tls-grpc-listener", "abc"]],
            "--tls-grpc-listener requires either --tls-grpc-insecure or --tls-cert and --tls-key",
        ),
        (
            &[&config, &port, &insecure, &["--passphrase", ""]],
            "Invalid value for '--passphrase': the passphrase is empty.",
        ),
        (&[&["--speed", "3"]], "No such option '--speed'."),
    ];
    for (args, message) in cases {
        let args: Vec<&str> = std::iter::once("run")
            .chain(args.iter().flat_map(|args| args.iter().copied()))
            .collect();
        let output = jmp(&home, &args);
        assert_eq!(stderr(&output), format!("{HINT}{message}\n"), "{args:?}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_configuration_that_cannot_be_loaded() {
    let home = home(POWER);
    let missing = jmp(&home, &["run", "--exporter-config", "gone.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(
        stderr(&missing),
        "Error: Failed to load config: [Errno 2] No such file or directory: 'gone.yaml'\n"
    );

    home.write("bad.yaml", "kind: Banana\nmetadata: {}\n");
    let bad = jmp(&home, &["run", "--exporter-config", "bad.yaml"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stderr(&bad).starts_with("Error: Failed to load config: "));
    assert!(stderr(&bad).contains("bad.yaml:1:"), "{}", stderr(&bad));

    let alias = jmp(&home, &["run", "--exporter", "../evil"]);
    assert_eq!(alias.status.code(), Some(1));
    assert!(stderr(&alias).contains("Invalid exporter alias '../evil'"));
}

#[test]
fn an_alias_is_found_where_users_keep_theirs() {
    let home = home(POWER);
    std::fs::create_dir_all(home.path().join(".config/jumpstarter/exporters")).unwrap();
    home.write(".config/jumpstarter/exporters/bench.yaml", POWER);
    let output = jmp(&home, &["run", "--exporter", "bench"]);
    // Found and read: what is missing now is a controller.
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("endpoint or token not set"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn without_a_port_it_needs_a_controller() {
    for more in [
        "",
        "endpoint: lab:8082\n",
        "token: t0ken\n",
        "endpoint: ''\ntoken: t0ken\n",
        "endpoint: lab:8082\ntoken: ''\n",
    ] {
        let home = home(&format!("{POWER}{more}"));
        let output = jmp(&home, &["run", "--exporter-config", "x.yaml"]);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert!(
            text.starts_with("Error: endpoint or token not set in exporter config"),
            "{text}"
        );
        assert!(text.contains("--tls-grpc-listener [HOST:]PORT"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains("t0ken"), "{text}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = home(POWER);
    let listener = format!("127.0.0.1:{port}");
    let output = jmp(
        &home,
        &[
            "run",
            "--exporter-config",
            "x.yaml",
            "--tls-grpc-listener",
            &listener,
            "--tls-grpc-insecure",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.starts_with(&format!("Error: cannot listen on `{listener}`")),
        "{text}"
    );
    assert!(
        text.contains("another port with --tls-grpc-listener"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_certificate_that_is_none() {
    let home = home(POWER);
    let args = [
        "run",
        "--exporter-config",
        "x.yaml",
        "--tls-grpc-listener",
        "127.0.0.1:1",
        "--tls-cert",
        "c.pem",
        "--tls-key",
        "k.pem",
    ];
    let output = jmp(&home, &args);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "Error: cannot read the certificate `c.pem`: no certificate in it; \
         it should contain `-----BEGIN CERTIFICATE-----`\n"
    );

    let pair = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    home.write("c.pem", pair.cert.pem());
    let output = jmp(&home, &args);
    assert!(
        stderr(&output).starts_with("Error: cannot read the key `k.pem`: no private key in it"),
        "{}",
        stderr(&output)
    );

    let other = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    home.write("k.pem", other.signing_key.serialize_pem());
    let output = jmp(&home, &args);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "Error: cannot serve TLS with certificate `c.pem` and key `k.pem`: \
         the key belongs to another certificate\n"
    );
}

#[test]
fn a_driver_that_nobody_offers() {
    let home = home(&POWER.replace("MockPower", "Nope"));
    let listener = format!("127.0.0.1:{}", session_support::free_port());
    let output = jmp(
        &home,
        &[
            "run",
            "--exporter-config",
            "x.yaml",
            "--tls-grpc-listener",
            &listener,
            "--tls-grpc-insecure",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("Error: "), "{text}");
    assert!(
        text.contains("jumpstarter_driver_power.driver.Nope"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn help_and_version() {
    let home = home(POWER);
    let help = jmp(&home, &["run", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for option in [
        "--exporter <ALIAS>",
        "--exporter-config <PATH>",
        "--tls-grpc-listener <[HOST:]PORT>",
        "--tls-grpc-insecure",
        "--tls-cert <PATH>",
        "--tls-key <PATH>",
        "--passphrase <TEXT>",
        "--exit-on-lease-end",
        "--plugins <DIR>",
        "--insecure-plugins",
    ] {
        assert!(text.contains(option), "no {option} in\n{text}");
    }

    let nothing = jmp(&home, &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(!stderr(&nothing).contains("local"));

    let version = jmp(&home, &["version"]);
    assert!(version.stdout.starts_with(b"Jumpstarter v"));
}
