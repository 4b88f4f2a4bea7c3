//! Ports and certificates that cannot be used, and options that do not fit together.

use std::{fs, net::TcpListener};

use jumpstarter_tests::{Certs, Lab, free_port};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

#[test]
fn a_port_that_is_taken() {
    let lab = Lab::new();
    let port = free_port();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    lab.exporter(POWER)
        .port(port)
        .refused()
        .fails(1)
        .complains(&port.to_string())
        .complains("another program has this port")
        .never_says("panicked");
}

#[test]
fn a_certificate_that_is_none() {
    let lab = Lab::new();
    let certs = lab.certs();
    fs::write(&certs.cert, "not a certificate").unwrap();
    lab.exporter(POWER)
        .tls_with(certs)
        .refused()
        .fails(1)
        .complains("cert.pem");
}

#[test]
fn a_key_of_another_certificate() {
    let lab = Lab::new();
    let certs = lab.certs();
    let elsewhere = lab.folder("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let other = Certs::make(&elsewhere);
    lab.exporter(POWER)
        .tls_with(Certs {
            key: other.key,
            ..certs
        })
        .refused()
        .fails(1)
        .complains("key.pem");
}

#[test]
fn a_certificate_that_is_not_there() {
    let lab = Lab::new();
    let config = lab.exporter(POWER).config().clone();
    lab.jmp_exporter([
        "run".as_ref(),
        "--exporter-config".as_ref(),
        config.as_os_str(),
        "--tls-grpc-listener".as_ref(),
        "19090".as_ref(),
        "--tls-cert".as_ref(),
        "nowhere.pem".as_ref(),
        "--tls-key".as_ref(),
        "nowhere.pem".as_ref(),
    ])
    .fails(2)
    .complains("Error: Invalid value for '--tls-cert': Path 'nowhere.pem' does not exist.");
}

/// `jmp run` with these options, and what follows `Error: `.
fn usage(options: &[&str], error: &str) {
    let lab = Lab::new();
    let config = lab.exporter(POWER).config().to_string_lossy().into_owned();
    let options = options
        .iter()
        .map(|option| option.replace("CONFIG", &config));
    lab.jmp(["run".to_owned()].into_iter().chain(options))
        .fails(2)
        .complains(&format!("Error: {error}"));
}

#[test]
fn options_that_do_not_fit_together() {
    let one_of = "Invalid value: one of --exporter, --exporter-config should be specified";
    usage(&[], one_of);
    usage(
        &["--exporter", "x", "--exporter-config", "CONFIG"],
        "Invalid value: only one of --exporter, --exporter-config should be specified",
    );
    usage(
        &["--exporter-config", "CONFIG", "--passphrase", "x"],
        "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require --tls-grpc-listener",
    );
    usage(
        &[
            "--exporter-config",
            "CONFIG",
            "--tls-grpc-listener",
            "19090",
        ],
        "--tls-grpc-listener requires either --tls-grpc-insecure or --tls-cert and --tls-key",
    );
    usage(
        &[
            "--exporter-config",
            "CONFIG",
            "--tls-grpc-listener",
            "abc",
            "--tls-grpc-insecure",
        ],
        "Invalid value for '--tls-grpc-listener': port must be an integer, got 'abc'",
    );
    usage(
        &[
            "--exporter-config",
            "CONFIG",
            "--tls-grpc-listener",
            "0",
            "--tls-grpc-insecure",
        ],
        "Invalid value for '--tls-grpc-listener': port must be between 1 and 65535, got 0",
    );
}
