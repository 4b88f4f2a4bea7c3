//! `jmp shell --tls-grpc` and the exporters it meets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;
mod program;

use std::fs;
use std::time::{Duration, Instant};

use fake::{Certificate, DriverReport, Fake, Serving, status};
use jumpstarter_proto::v1::ExporterStatus::{BeforeLeaseHook, BeforeLeaseHookFailed, LeaseReady};
use jumpstarter_proto::v1::LogSource;
use program::{Outcome, Program, jmp};
use tonic::Status;

fn lab() -> Fake {
    Fake::new([DriverReport::power("power")])
}

fn shell(exporter: &Serving, options: &str) -> Program {
    jmp()
        .words("shell --tls-grpc")
        .arg(&exporter.address)
        .words(options)
}

async fn run(exporter: &Serving, options: &str) -> Outcome {
    shell(exporter, options).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_the_exporter_in_its_environment() {
    let exporter = lab().motd("for people only").serve().await;
    let outcome = run(&exporter, "--tls-grpc-insecure --passphrase s3cret -- env").await;
    let host = format!("JUMPSTARTER_HOST={}", exporter.address);
    for variable in [
        host.as_str(),
        "JMP_DRIVERS_ALLOW=UNSAFE",
        "_JMP_SUPPRESS_DRIVER_WARNINGS=1",
        "JMP_GRPC_INSECURE=1",
        "JMP_GRPC_PASSPHRASE=s3cret",
        "JMP_EXPORTER=direct",
        "JMP_LEASE=direct",
    ] {
        let found = outcome
            .succeeds()
            .stdout
            .lines()
            .any(|line| line == variable);
        assert!(found, "{variable}: {outcome:?}");
    }
    assert!(!outcome.stdout.contains("JMP_EXPORTER_LABELS"));
    assert!(!outcome.stdout.contains("for people only"));
    assert!(!outcome.stderr.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_in_a_shell_keeps_the_outer_passphrase_to_itself() {
    let exporter = lab().serve().await;
    let program = shell(&exporter, "--tls-grpc-insecure -- env")
        .env("JMP_GRPC_PASSPHRASE", "of another exporter")
        .env("_JMP_TLS_UNVERIFIED", "1");
    let outcome = program.run().await;
    for name in ["JMP_GRPC_PASSPHRASE", "_JMP_TLS_UNVERIFIED"] {
        assert!(!outcome.succeeds().stdout.contains(name), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_commands() {
    let exporter = lab().serve().await;
    for (command, code) in [("true", 0), ("false", 1)] {
        run(&exporter, &format!("--tls-grpc-insecure -- {command}"))
            .await
            .fails(code);
    }
    let program = shell(&exporter, "--tls-grpc-insecure -- sh -c").arg("kill -KILL $$");
    program.run().await.fails(247);
    let outcome = run(&exporter, "--tls-grpc-insecure -- no-such-program").await;
    outcome
        .fails(127)
        .complains("Error: command not found: no-such-program\n");
    // Nobody who did not make the session ends it.
    assert_eq!(exporter.calls(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_may_follow_the_options_directly() {
    let exporter = lab().serve().await;
    let outcome = run(&exporter, "--tls-grpc-insecure echo power on").await;
    outcome.succeeds().prints("power on\n");
    let outcome = run(&exporter, "--tls-grpc-insecure j power cycle -w 1").await;
    outcome.fails(2).complains("Error: No such option '-w'.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_hook_and_shows_what_it_prints() {
    let exporter = lab()
        .statuses(vec![
            status(BeforeLeaseHook, 1, ""),
            status(BeforeLeaseHook, 1, ""),
            status(LeaseReady, 2, ""),
        ])
        .logs(LogSource::BeforeLeaseHook, "INFO", "the hook was here")
        .logs(LogSource::BeforeLeaseHook, "DEBUG", "too much detail")
        .logs(LogSource::System, "INFO", "the exporter's own affair")
        .serve()
        .await;
    let outcome = run(&exporter, "--tls-grpc-insecure -- sh -c pwd>&2").await;
    outcome
        .succeeds()
        .complains("[exporter:beforeLease] the hook was here\n");
    assert!(!outcome.stderr.contains("own affair"), "{outcome:?}");
    assert!(!outcome.stderr.contains("too much detail"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hooks_output_comes_before_the_commands() {
    let exporter = lab()
        .logs(LogSource::BeforeLeaseHook, "INFO", "the hook was here")
        .serve()
        .await;
    let program = shell(&exporter, "--tls-grpc-insecure -- sh -c").arg("echo and now me >&2");
    let outcome = program.run().await;
    let place = |text| outcome.succeeds().stderr.find(text);
    assert!(place("the hook was here").unwrap() < place("and now me").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporters_log_is_shown_when_asked_for() {
    let exporter = lab()
        .logs(LogSource::Driver, "WARNING", "the relay did not click")
        .logs(LogSource::System, "INFO", "the exporter's own affair")
        .logs(
            LogSource::System,
            "INFO",
            "NotImplementedError raised by servicer method [x]",
        )
        .serve()
        .await;
    let outcome = run(&exporter, "--tls-grpc-insecure --exporter-logs -- true").await;
    outcome
        .succeeds()
        .complains("WARNING  [exporter:driver] the relay did not click\n")
        .complains("INFO     [exporter:system] the exporter's own affair\n");
    assert!(!outcome.stderr.contains("servicer method"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_warns_is_passed_on() {
    let message = "[HOOK_WARNING] the relay is warm";
    let exporter = lab()
        .statuses(vec![status(LeaseReady, 3, message)])
        .serve()
        .await;
    let outcome = run(&exporter, "--tls-grpc-insecure -- echo me").await;
    outcome
        .succeeds()
        .prints("Warning: the relay is warm\nme\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_failed_ends_it() {
    for (message, expected) in [
        ("", "Error: beforeLease hook failed\n"),
        ("no power at the bench", "Error: no power at the bench\n"),
    ] {
        let failed = status(BeforeLeaseHookFailed, 2, message);
        let exporter = lab().statuses(vec![failed]).serve().await;
        let outcome = run(&exporter, "--tls-grpc-insecure -- echo never").await;
        outcome.fails(1).prints("").complains(expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_without_status_counts_as_ready() {
    let unknown = Err(Status::unimplemented(""));
    let exporter = lab().statuses(vec![unknown]).serve().await;
    let outcome = run(&exporter, "--tls-grpc-insecure -- echo me").await;
    outcome.succeeds().prints("me\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn passphrases_open_doors() {
    let exporter = lab().passphrase("open sesame").serve().await;
    let right = shell(&exporter, "--tls-grpc-insecure --passphrase")
        .arg("open sesame")
        .words("-- echo in");
    right.run().await.succeeds().prints("in\n");
    for options in ["", "--passphrase barley"] {
        let options = format!("--tls-grpc-insecure {options} -- echo in");
        let outcome = run(&exporter, &options).await;
        outcome
            .fails(1)
            .says("Error: Authentication failed: invalid or missing passphrase\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_needs_neither_tls_nor_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = lab().serve_unix(&folder.path().join("socket")).await;
    let outcome = run(&exporter, "-- j power on").await;
    outcome.succeeds();
    assert_eq!(exporter.calls(), ["power.on []"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn j_works_inside_whatever_the_transport() {
    let certificate = Certificate::issued("localhost");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), &certificate.authority).unwrap();
    let exporter = lab().passphrase("open").serve_tls(&certificate).await;
    // A relative name, and a child that goes elsewhere.
    let program = shell(&exporter, "--tls-ca ca.pem --passphrase open -- sh -c")
        .arg("cd / && j power on")
        .inside(folder.path());
    program.run().await.succeeds();
    let program = shell(&exporter, "--passphrase open -- j power off").env(
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        folder.path().join("ca.pem"),
    );
    program.run().await.succeeds();
    // Not verified, and the child must not fall back to plaintext.
    let program = shell(&exporter, "--passphrase open -- j power on").env("JMP_GRPC_INSECURE", "1");
    program.run().await.succeeds();
    assert_eq!(
        exporter.calls(),
        ["power.on []", "power.off []", "power.on []"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::issued("localhost");
    let encrypted = lab().serve_tls(&certificate).await;
    let plain = lab().serve().await;

    let outcome = run(&encrypted, "-- true").await;
    outcome
        .fails(1)
        .complains("it was issued by nobody we trust; name its CA with --tls-ca FILE");
    let outcome = run(&encrypted, "--tls-grpc-insecure -- true").await;
    outcome
        .fails(1)
        .complains("speaks TLS")
        .complains("leave out --tls-grpc-insecure");
    let outcome = run(&plain, "-- true").await;
    outcome
        .fails(1)
        .complains("does not speak TLS; use --tls-grpc-insecure");
    let outcome = run(&encrypted, "--tls-ca nowhere.pem -- true").await;
    outcome
        .fails(1)
        .complains("Error: cannot read the CA file `nowhere.pem`");
    fs::write(folder.path().join("empty.pem"), "nothing\n").unwrap();
    let empty = shell(&encrypted, "--tls-ca empty.pem -- true").inside(folder.path());
    empty
        .run()
        .await
        .fails(1)
        .complains("Error: there is no PEM certificate in `empty.pem`");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interactive_shell_is_greeted() {
    let exporter = lab().motd("mind the loose cable").serve().await;
    let program = shell(&exporter, "--tls-grpc-insecure").env("SHELL", "/bin/true");
    program
        .run()
        .await
        .succeeds()
        .prints("mind the loose cable\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_command_ends_it_at_once() {
    let exporter = lab()
        .statuses(vec![status(BeforeLeaseHook, 1, "")])
        .serve()
        .await;
    let mut program = shell(&exporter, "--tls-grpc-insecure -- true");
    program.0.stderr(std::process::Stdio::piped());
    let child = program.0.spawn().unwrap();
    let id = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(started.elapsed() < Duration::from_secs(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.ends_with("SIGINT pressed, terminating\n"),
        "{stderr}"
    );
}
