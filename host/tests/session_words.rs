//! What an exporter says while it runs, and with which exit code it ends.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use session_support::{Exporter, POWER, unix_client};

#[test]
fn a_signal_ends_it_with_its_number() {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
    ] {
        let mut exporter = Exporter::run(POWER, &[]);
        let socket = exporter.socket();
        assert!(socket.exists());
        exporter.signal(signal);
        let status = exporter.ended();
        assert_eq!(status.code(), Some(128 + signal as i32), "{signal}");
        assert!(
            !socket.parent().unwrap().exists(),
            "{signal} left its folder"
        );
        assert!(exporter.stderr.all().contains("Session server stopped"));
        assert_eq!(exporter.stdout.all(), "");
    }
}

#[test]
fn a_passphrase_in_plaintext_is_warned_about() {
    let exporter = Exporter::run(POWER, &["--passphrase", "hunter2"]);
    let line = exporter.stderr.wait_for("WARNING: ");
    assert_eq!(
        line,
        "WARNING: --passphrase has no effect without TLS; \
         the passphrase will be transmitted in plaintext"
    );
}

#[test]
fn log_lines_in_every_shape() {
    let mut json = Exporter::run(POWER, &[]);
    json.stop();
    let lines = json.stderr.all();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["component"], "exporter");
        assert_eq!(line["exporter"], "bench");
        assert_eq!(line["lease_id"], "standalone");
        assert!(["info", "warning"].contains(&line["level"].as_str().unwrap()));
        assert!(line["logger"].is_string() && line["msg"].is_string());
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    let mut text = Exporter::run_with(POWER, &[], &["--log-format", "text"]);
    text.stop();
    let lines = text.stderr.all();
    let started = lines
        .lines()
        .find(|line| line.contains("Session server started"));
    assert!(
        started
            .unwrap()
            .starts_with("INFO exporter.life.hear: Session"),
        "{lines}"
    );
    assert!(
        !lines.contains('\u{1b}'),
        "colours belong on terminals: {lines}"
    );

    let mut quiet = Exporter::launch(POWER, &[], &["--log-level", "CRITICAL"]);
    while std::net::TcpStream::connect(quiet.address()).is_err() {
        assert!(quiet.is_running());
    }
    quiet.stop();
    assert_eq!(quiet.stderr.all(), "");
}

#[tokio::test]
async fn local_serves_one_shell_until_its_stdin_ends() {
    let config = format!("{POWER}motd: \"hello\\nthere\"\n");
    let mut exporter = Exporter::spawn("local", &config, &[], &[]);
    let line = exporter.stdout.wait_for("{");
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["name"], "bench");
    assert_eq!(ready["motd"], "hello\nthere");
    let socket = Path::new(ready["socket"].as_str().unwrap()).to_owned();

    let mut client = unix_client(&socket).await;
    let report = client.get_report(()).await.unwrap().into_inner();
    assert_eq!(report.motd, "hello\nthere");
    let status = client
        .get_status(jumpstarter_proto::v1::GetStatusRequest {})
        .await;
    let status = status.unwrap().into_inner();
    assert_eq!(
        status.status(),
        jumpstarter_proto::v1::ExporterStatus::LeaseReady
    );
    assert_eq!(
        (status.status_version, status.message.as_deref()),
        (1, Some(""))
    );
    let ended = client
        .end_session(jumpstarter_proto::v1::EndSessionRequest {})
        .await;
    let ended = ended.unwrap().into_inner();
    assert!(!ended.success);
    assert_eq!(ended.message.as_deref(), Some("No active lease context"));

    // Ctrl-C in the shell reaches this process too, and means the program in the shell.
    exporter.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(50));
    assert!(exporter.is_running());

    drop(client);
    exporter.close_stdin();
    assert_eq!(exporter.ended().code(), Some(0));
    assert!(!socket.exists());
}
