//! Log lines pushed to a collector: real ports, real TLS.
//!
//! A process has one log, so what happens in this process happens one test at a time; what is read
//! from stderr, and what the environment decides, happens in a process of its own: [`speaker`].

#![allow(clippy::unwrap_used)]

mod telemetry_support;

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::time::Duration;

use jumpstarter_client::Secret;
use jumpstarter_host::log::{self, Format, Level};
use jumpstarter_host::telemetry::{self, Options, StartError};
use jumpstarter_proto::v1::TelemetryEndpoint;
use telemetry_support::{Certificate, Collector};
use tokio::sync::{Mutex, MutexGuard};
use tonic::Status;

/// The log of this process.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let alone = ALONE.lock().await;
    log::init(Level::Debug, Format::Json).unwrap();
    log::set_context(&[("exporter", "bench")]);
    alone
}

fn say(message: impl std::fmt::Display) {
    tracing::info!("{message}");
}

fn with_token(insecure: bool) -> Options {
    Options {
        token: Some(Secret::new("hunter2".to_owned())),
        insecure,
    }
}

#[tokio::test]
async fn lines_arrive_with_the_token_of_the_exporter() {
    let _alone = alone().await;
    let collector = Collector::start(None);
    let telemetry = telemetry::start(&collector.endpoint(), with_token(true)).unwrap();
    let lease = log::lease_context(&[("lease_id", "019a"), ("client", "ann"), ("job", "7")]);
    tracing::warn!(
        target: "driver",
        logger = "driver.MockPower",
        driver_type = "power",
        operation = "on",
        result = "failure",
        error_type = "timeout",
        "Operation failed"
    );
    drop(lease);
    say("after the lease");
    collector.gets("after the lease").await;
    telemetry.close().await;

    for push in collector.pushes() {
        assert_eq!(push.authorization.as_deref(), Some("Bearer hunter2"));
        // A deadline of ten seconds, in the unit tonic chose.
        assert_eq!(push.timeout.as_deref(), Some("10000000u"));
    }
    let entries = collector.entries();
    let [failed, after] = entries.as_slice() else {
        panic!("{entries:#?}")
    };
    assert_eq!(failed.severity, "warning");
    assert_eq!(failed.component, "exporter");
    assert_eq!(failed.exporter, "bench");
    assert_eq!((&*failed.lease, &*failed.client), ("019a", "ann"));
    assert_eq!((&*failed.operation, &*failed.result), ("on", "failure"));
    assert_eq!(failed.driver_type, "power");
    assert_eq!(failed.extra_fields["error_type"], "timeout");
    assert_eq!(failed.extra_fields["job"], "7");
    assert_eq!((&*after.lease, &*after.client), ("", ""));
    assert_eq!(after.exporter, "bench");
}

#[tokio::test]
async fn without_a_token_none_is_sent() {
    let _alone = alone().await;
    for token in [None, Some(Secret::new(String::new()))] {
        let collector = Collector::start(None);
        let options = Options {
            token,
            insecure: true,
        };
        let telemetry = telemetry::start(&collector.endpoint(), options).unwrap();
        say("hello");
        telemetry.close().await;
        assert_eq!(collector.messages(), ["hello"]);
        assert_eq!(collector.pushes()[0].authorization, None);
    }
}

#[tokio::test]
async fn a_certificate_from_the_controller_is_the_one_that_counts() {
    let _alone = alone().await;
    let certificate = Certificate::new();
    let collector = Collector::start(Some(&certificate));
    let named = |pem: String| TelemetryEndpoint {
        certificate: pem,
        ..collector.endpoint()
    };
    // Even where the configuration is insecure.
    let telemetry = telemetry::start(&named(certificate.pem.clone()), with_token(true)).unwrap();
    say("encrypted");
    telemetry.close().await;
    assert_eq!(collector.messages(), ["encrypted"]);

    let other = named(Certificate::new().pem);
    let telemetry = telemetry::start(&other, with_token(true)).unwrap();
    say("for somebody else");
    telemetry.close().await;
    // Without a certificate and without insecure, the system's roots decide.
    let telemetry = telemetry::start(&collector.endpoint(), with_token(false)).unwrap();
    say("for somebody the system trusts");
    telemetry.close().await;
    assert_eq!(collector.messages(), ["encrypted"]);
}

#[tokio::test]
async fn closing_pushes_everything_fifty_at_a_time() {
    let _alone = alone().await;
    let collector = Collector::start(None);
    let telemetry = telemetry::start(&collector.endpoint(), with_token(true)).unwrap();
    for number in 0..1_234 {
        say(number);
    }
    telemetry.close().await;
    say("too late");

    let expected: Vec<_> = (0..1_234).map(|number| number.to_string()).collect();
    assert_eq!(collector.messages(), expected);
    let sizes: Vec<_> = collector.pushes().iter().map(|p| p.entries.len()).collect();
    assert!(
        sizes.iter().all(|size| (1..=50).contains(size)),
        "{sizes:?}"
    );
    assert!(sizes.len() >= 25, "{sizes:?}");
}

#[tokio::test]
async fn lines_gather_before_they_are_pushed() {
    let _alone = alone().await;
    let collector = Collector::start(None);
    let telemetry = telemetry::start(&collector.endpoint(), with_token(true)).unwrap();
    for number in 0..60 {
        say(number);
    }
    collector.gets("59").await;
    let sizes: Vec<_> = collector.pushes().iter().map(|p| p.entries.len()).collect();
    assert_eq!(sizes, [50, 10]);
    telemetry.close().await;
    // Nothing to say, nothing pushed.
    assert_eq!(collector.pushes().len(), 2);
}

#[tokio::test]
async fn only_what_matters_enough_is_pushed() {
    let _alone = alone().await;
    for (min_severity, expected) in [
        ("debug", "debug info warning error"),
        ("", "info warning error"),
        ("nonsense", "info warning error"),
        ("Warning", "warning error"),
        ("ERROR", "error"),
        ("critical", ""),
    ] {
        let collector = Collector::start(None);
        let endpoint = TelemetryEndpoint {
            min_severity: min_severity.to_owned(),
            ..collector.endpoint()
        };
        let telemetry = telemetry::start(&endpoint, with_token(true)).unwrap();
        tracing::debug!(target: "driver", "said");
        tracing::info!("said");
        tracing::warn!("said");
        tracing::error!("said");
        telemetry.close().await;
        let entries = collector.entries();
        let said = entries.iter().filter(|entry| entry.message == "said");
        let severities: Vec<_> = said.map(|entry| &*entry.severity).collect();
        assert_eq!(severities.join(" "), expected, "{min_severity}");
    }
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let _alone = alone().await;
    let collector = Collector::start(None);
    let endpoint = collector.endpoint();
    let telemetry = telemetry::start(&endpoint, with_token(true)).unwrap();
    let second = telemetry::start(&endpoint, with_token(true));
    assert!(matches!(second, Err(StartError::Running)), "{second:?}");
    say("once");
    telemetry.close().await;
    assert_eq!(collector.messages(), ["once"]);

    // After the first is gone there is room again, however it went.
    let telemetry = telemetry::start(&endpoint, with_token(true)).unwrap();
    drop(telemetry);
    let telemetry = telemetry::start(&endpoint, with_token(true)).unwrap();
    say("again");
    telemetry.close().await;
    assert_eq!(collector.messages(), ["once", "again"]);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_at_once() {
    let _alone = alone().await;
    let named = |endpoint: &str, certificate: &str| TelemetryEndpoint {
        endpoint: endpoint.to_owned(),
        certificate: certificate.to_owned(),
        ..TelemetryEndpoint::default()
    };
    for (endpoint, text) in [
        (
            named("collector:0", ""),
            "the controller names a telemetry service that cannot be one: failed parsing \
             `collector:0`: the port is no number from 1 to 65535; write it as `host:port`",
        ),
        (
            named("collector:9093", "no PEM"),
            "the telemetry service cannot be trusted: \
             there is no PEM certificate in the configured CA",
        ),
    ] {
        let error = telemetry::start(&endpoint, with_token(true)).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let options = Options {
        token: Some(Secret::new("hunter2\n".to_owned())),
        insecure: true,
    };
    let error = telemetry::start(&Collector::start(None).endpoint(), options).unwrap_err();
    assert!(matches!(error, StartError::Token), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_collector_that_comes_back_gets_what_is_said_then() {
    let _alone = alone().await;
    let collector = Collector::start(None);
    let telemetry = telemetry::start(&collector.endpoint(), with_token(true)).unwrap();
    say("first");
    collector.gets("first").await;
    let collector = collector.restart();
    // The first push after it may find the old connection broken.
    let mut told = 0;
    while !collector.messages().iter().any(|m| m == "second") {
        say("second");
        told += 1;
        assert!(told < 100, "{:?}", collector.messages());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    telemetry.close().await;
}

#[tokio::test]
async fn a_refused_push_costs_its_entries_and_nothing_else() {
    let collector = Collector::start(None);
    collector.refuse(Status::unauthenticated("invalid token: expired"));
    let output = speaks(&collector.endpoint(), &[]).await;
    // The first push fails, the second arrives.
    assert_eq!(collector.messages(), ["second"]);
    let stderr = text(&output);
    let complaint = "[telemetry] PushLogs failed, 1 entries dropped: \
                     UNAUTHENTICATED: invalid token: expired";
    assert_eq!(
        stderr.lines().filter(|line| *line == complaint).count(),
        1,
        "{stderr}"
    );
    // It is not a line of the log, and neither is anything else about it.
    let logged = stderr.lines().filter(|line| line.starts_with('{')).count();
    assert_eq!(logged, 2, "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[tokio::test]
async fn a_collector_that_is_not_there_does_not_hold_up_the_end() {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let endpoint = TelemetryEndpoint {
        endpoint: format!("127.0.0.1:{port}"),
        min_severity: "loud".to_owned(),
        ..TelemetryEndpoint::default()
    };
    let output = speaks(&endpoint, &[]).await;
    let stderr = text(&output);
    let complaints = stderr.lines().filter(|line| {
        line.starts_with("[telemetry] PushLogs failed, 1 entries dropped: ")
            && line.contains("refused")
    });
    assert_eq!(complaints.count(), 2, "{stderr}");
    assert!(stderr.contains(r#""min_severity":"loud""#), "{stderr}");
}

#[tokio::test]
async fn a_collector_that_says_nothing_does_not_hold_up_the_end() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let endpoint = TelemetryEndpoint {
        endpoint: silent.local_addr().unwrap().to_string(),
        ..TelemetryEndpoint::default()
    };
    // The clock of that process goes as fast as it can.
    let variables = [("SPEAKER_INSECURE", "1"), ("SPEAKER_HURRIES", "1")];
    let output = speaks(&endpoint, &variables).await;
    let stderr = text(&output);
    let complaints = stderr
        .lines()
        .filter(|line| line.starts_with("[telemetry] "));
    let complaints: Vec<_> = complaints.collect();
    let [first, last] = complaints[..] else {
        panic!("{stderr}")
    };
    assert!(first.starts_with("[telemetry] PushLogs failed, 1 entries dropped: "));
    assert!(
        last.ends_with(" dropped") || last.contains("1 entries dropped: "),
        "{last}"
    );
}

#[tokio::test]
async fn either_variable_makes_it_insecure() {
    for name in ["JMP_GRPC_INSECURE", "JUMPSTARTER_GRPC_INSECURE"] {
        let collector = Collector::start(None);
        speaks(&collector.endpoint(), &[(name, "1")]).await;
        assert_eq!(collector.messages(), ["first", "second"], "{name}");
    }
    let collector = Collector::start(None);
    let output = speaks(&collector.endpoint(), &[("JMP_GRPC_INSECURE", "true")]).await;
    assert!(collector.messages().is_empty(), "{}", text(&output));
}

/// Runs [`speaker`], insecure unless it is told how to be.
async fn speaks(endpoint: &TelemetryEndpoint, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "speaker", "--ignored", "--nocapture"])
        .env_remove("JMP_GRPC_INSECURE")
        .env_remove("JUMPSTARTER_GRPC_INSECURE")
        .env("SPEAKER_ENDPOINT", &endpoint.endpoint)
        .env("SPEAKER_SEVERITY", &endpoint.min_severity)
        .env(
            "SPEAKER_INSECURE",
            if variables.is_empty() { "1" } else { "" },
        )
        .envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
#[ignore = "other tests run it, in a process of its own"]
async fn speaker() {
    let variable = |name: &str| std::env::var(name).unwrap();
    log::init(Level::Info, Format::Json).unwrap();
    let endpoint = TelemetryEndpoint {
        endpoint: variable("SPEAKER_ENDPOINT"),
        min_severity: variable("SPEAKER_SEVERITY"),
        ..TelemetryEndpoint::default()
    };
    let insecure = !variable("SPEAKER_INSECURE").is_empty();
    let telemetry = telemetry::start(&endpoint, with_token(insecure)).unwrap();
    if std::env::var_os("SPEAKER_HURRIES").is_some() {
        tokio::time::pause();
    }
    say("first");
    // Longer than lines gather, so that the next is pushed by itself.
    tokio::time::sleep(Duration::from_millis(900)).await;
    say("second");
    telemetry.close().await;
    log::flush();
}
