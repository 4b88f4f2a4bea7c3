//! An exporter with a port runs its hooks once: before it lets clients at the drivers, and when it
//! stops. Real processes, and the real `j` in the hooks.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::path::Path;
use std::time::{Duration, Instant};

use jumpstarter_proto::v1::router_service_client::RouterServiceClient;
use jumpstarter_proto::v1::{
    EndSessionRequest, ExporterStatus, GetStatusRequest, GetStatusResponse, LogSource,
    StreamRequest,
};
use nix::sys::signal::Signal;
use session_support::{Client, Exporter, PATIENCE, POWER, call, streaming_call, uuid_of};
use tokio::time::sleep;
use tonic::{Code, Request};

use ExporterStatus::{
    AfterLeaseHook, Available, BeforeLeaseHook, BeforeLeaseHookFailed, LeaseReady,
};

/// A configuration with these hooks; `go` and others are files in the exporter's folder.
fn hooks(hooks: &str) -> String {
    format!("{POWER}hooks:\n{hooks}")
}

/// A hook that waits until somebody makes the file `go`.
const GATED: &str = "
  beforeLease:
    script: |
      touch began
      until [ -e go ]; do sleep 0.02; done
";

async fn status(client: &mut Client) -> GetStatusResponse {
    let answer = client.get_status(GetStatusRequest {}).await;
    answer.unwrap().into_inner()
}

/// Polls until the exporter says so, and returns all that it said.
async fn until(client: &mut Client, wanted: ExporterStatus) -> Vec<GetStatusResponse> {
    let since = Instant::now();
    let mut seen: Vec<GetStatusResponse> = Vec::new();
    loop {
        let now = status(client).await;
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        if seen.last().unwrap().status() == wanted {
            return seen;
        }
        assert!(since.elapsed() < PATIENCE, "never {wanted:?}: {seen:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

fn wait_for_file(path: &Path) {
    let since = Instant::now();
    while !path.exists() {
        assert!(since.elapsed() < PATIENCE, "no {}", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether there is such a process; one that nobody has buried yet does not count.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

/// How a call of every kind is answered.
async fn calls(exporter: &Exporter, client: &mut Client, uuid: &str) -> Vec<Result<(), String>> {
    let driver = format!(r#"{{"kind":"driver","uuid":"{uuid}","method":"on"}}"#);
    let resource = format!(r#"{{"kind":"resource","uuid":"{uuid}"}}"#);
    let text = |result: Result<(), tonic::Status>| {
        result.map_err(|status| format!("{:?}: {}", status.code(), status.message()))
    };
    let mut results = vec![
        text(client.driver_call(call(uuid, "on", vec![])).await.map(drop)),
        text(
            client
                .streaming_driver_call(streaming_call(uuid, "read", vec![]))
                .await
                .map(drop),
        ),
    ];
    for wanted in [driver, resource] {
        let channel =
            tonic::transport::Endpoint::from_shared(format!("http://{}", exporter.address()))
                .unwrap()
                .connect()
                .await
                .unwrap();
        let mut request = Request::new(tokio_stream::empty::<StreamRequest>());
        let metadata = request.metadata_mut();
        metadata.insert("request", wanted.parse().unwrap());
        results.push(text(
            RouterServiceClient::new(channel)
                .stream(request)
                .await
                .map(drop),
        ));
    }
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_open_while_the_hook_runs_and_shut_after_the_last_one() {
    let after = "  afterLease: {script: 'until [ -e done ]; do sleep 0.02; done'}\n";
    let mut exporter = Exporter::run(&hooks(&format!("{GATED}{after}")), &[]);
    let mut client = exporter.client().await;
    let first = status(&mut client).await;
    assert_eq!(first.status(), BeforeLeaseHook);
    assert_eq!(first.message(), "Running beforeLease hook");
    wait_for_file(&exporter.path("began"));

    exporter.touch("go");
    let seen = until(&mut client, LeaseReady).await;
    assert_eq!(seen.last().unwrap().message(), "Ready for commands");
    assert_eq!(seen.last().unwrap().previous_status(), BeforeLeaseHook);

    exporter.signal(Signal::SIGTERM);
    let seen = until(&mut client, AfterLeaseHook).await;
    assert_eq!(seen.last().unwrap().message(), "Running afterLease hooks");
    exporter.touch("done");
    let seen = until(&mut client, Available).await;
    assert_eq!(seen.last().unwrap().previous_status(), AfterLeaseHook);
    assert_eq!(exporter.ended().code(), Some(143));
    assert!(std::net::TcpStream::connect(exporter.address()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_call_drivers_only_between_the_hooks() {
    let after = "  afterLease: {script: 'until [ -e done ]; do sleep 0.02; done'}\n";
    let mut exporter = Exporter::run(&hooks(&format!("{GATED}{after}")), &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let refused = |status: &str| {
        Err(format!(
            "FailedPrecondition: Exporter not ready for driver calls (status: {status})"
        ))
    };
    for answer in calls(&exporter, &mut client, &uuid).await {
        assert_eq!(answer, refused("BEFORE_LEASE_HOOK"));
    }

    exporter.touch("go");
    until(&mut client, LeaseReady).await;
    let answers = calls(&exporter, &mut client, &uuid).await;
    assert_eq!(answers[0], Ok(()));
    assert_eq!(answers[1], Ok(()));
    // Let in, and then told that this is no byte stream.
    assert!(!answers[2].as_ref().unwrap_err().contains("not ready"));
    assert_eq!(answers[3], Ok(()));

    exporter.signal(Signal::SIGTERM);
    until(&mut client, AfterLeaseHook).await;
    for answer in calls(&exporter, &mut client, &uuid).await {
        assert_eq!(answer, refused("AFTER_LEASE_HOOK"));
    }
    exporter.touch("done");
    assert_eq!(exporter.ended().code(), Some(143));
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_use_j_and_need_no_passphrase() {
    let config = hooks(
        "
  beforeLease: {script: 'echo lease=$LEASE_NAME client=\"$CLIENT_NAME\"; j power on && echo BEFORE_OK'}
  afterLease: {script: 'j power off && echo AFTER_OK; echo AFTER_HOOK_DIRECT: executed'}
",
    );
    let mut exporter = Exporter::run(&config, &["--passphrase", "sesame"]);
    let said = exporter.stderr.wait_for("lease=standalone client=");
    assert!(
        said.contains("\"msg\":\"lease=standalone client=\""),
        "{said}"
    );
    exporter.stderr.wait_for("BEFORE_OK");
    let ready = exporter
        .stderr
        .wait_for("beforeLease hook completed successfully");
    assert!(ready.contains("\"lease_id\":\"standalone\""), "{ready}");

    assert_eq!(exporter.stop().code(), Some(143));
    let log = exporter.stderr.all();
    assert!(log.contains("AFTER_OK"), "{log}");
    assert!(log.contains("AFTER_HOOK_DIRECT: executed"), "{log}");
    let order = ["power on", "power off", "Session server stopped"];
    let places: Vec<_> = order.iter().map(|text| log.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_later_reads_what_the_hook_printed() {
    let config = hooks("  beforeLease: {script: 'echo one; echo two'}\n");
    let exporter = Exporter::run(&config, &[]);
    exporter
        .stderr
        .wait_for("beforeLease hook completed successfully");
    let mut client = exporter.client().await;
    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while !seen.contains(&"two".to_owned()) {
        let line = lines.message().await.unwrap().unwrap();
        if line.source() == LogSource::BeforeLeaseHook {
            assert_eq!(line.severity, "INFO");
            seen.push(line.message);
        } else {
            assert!(!["one", "two"].contains(&line.message.as_str()), "{line:?}");
        }
    }
    assert_eq!(seen, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_hook_that_only_warns_lets_clients_in() {
    let config = hooks(
        "
  beforeLease: {script: 'echo hello >$JMP_MOTD_FILE; exit 3', onFailure: warn}
  afterLease: {script: 'exit 4'}
",
    );
    let config = config.replace("export:", "motd: welcome\nexport:");
    let mut exporter = Exporter::run(&config, &[]);
    let mut client = exporter.client().await;
    let seen = until(&mut client, LeaseReady).await;
    assert_eq!(
        seen.last().unwrap().message(),
        "[HOOK_WARNING] beforeLease hook warning: Hook failed with exit code 3"
    );
    let report = client.get_report(()).await.unwrap().into_inner();
    assert_eq!(report.motd, "welcome\nhello");
    let uuid = uuid_of(&mut client, "power").await;
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();

    exporter.signal(Signal::SIGTERM);
    let seen = until(&mut client, Available).await;
    assert_eq!(
        seen.last().unwrap().message(),
        "[HOOK_WARNING] afterLease hook warning: Hook failed with exit code 4"
    );
    assert_eq!(exporter.ended().code(), Some(143));
    let log = exporter.stderr.all();
    assert!(log.contains("Hook failed with exit code 3 (on_failure=warn, continuing)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_hook_that_ends_the_lease_keeps_clients_out_for_ever() {
    let config = hooks(
        "
  beforeLease: {script: 'exit 1', onFailure: endLease}
  afterLease: {script: touch after}
",
    );
    let mut exporter = Exporter::run(&config, &[]);
    let mut client = exporter.client().await;
    let seen = until(&mut client, BeforeLeaseHookFailed).await;
    assert_eq!(
        seen.last().unwrap().message(),
        "beforeLease hook failed (on_failure=endLease): Hook failed with exit code 1"
    );
    // Longer than any pause after a last word.
    sleep(Duration::from_millis(2500)).await;
    let later = status(&mut client).await;
    assert_eq!(Some(&later), seen.last());
    let uuid = uuid_of(&mut client, "power").await;
    let error = client
        .driver_call(call(&uuid, "on", vec![]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(exporter.is_running());

    assert_eq!(exporter.stop().code(), Some(143));
    assert!(
        !exporter.path("after").exists(),
        "there was nothing to undo"
    );
}

#[test]
fn a_failed_hook_that_asks_for_it_ends_the_exporter() {
    let config = hooks(
        "
  beforeLease: {script: 'exit 1', onFailure: exit}
  afterLease: {script: touch after}
",
    );
    let mut exporter = Exporter::launch(&config, &[], &[]);
    assert_eq!(exporter.ended().code(), Some(1));
    assert!(!exporter.path("after").exists());
    assert!(exporter.stderr.all().contains("Session server stopped"));
}

#[test]
fn a_failed_hook_after_the_lease_says_so_with_the_exit_code() {
    let config = hooks("  afterLease: {script: 'exit 1', onFailure: exit}\n");
    let mut exporter = Exporter::run(&config, &[]);
    // The signal came first, so its number counts.
    assert_eq!(exporter.stop().code(), Some(143));
    let log = exporter.stderr.all();
    assert!(
        log.contains("Hook failed with exit code 1 (on_failure=exit, raising exception)"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_ends_its_session_ends_nothing() {
    let config = hooks("  afterLease: {script: touch after}\n");
    let mut exporter = Exporter::run(&config, &[]);
    let mut client = exporter.client().await;
    let before = status(&mut client).await;
    assert_eq!(before.status(), LeaseReady);
    for _ in 0..2 {
        let ended = client.end_session(EndSessionRequest {}).await;
        assert!(ended.unwrap().into_inner().success);
    }
    let uuid = uuid_of(&mut client, "power").await;
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    assert_eq!(status(&mut client).await, before);
    assert!(!exporter.path("after").exists());

    drop(client);
    assert_eq!(exporter.stop().code(), Some(143));
    assert!(exporter.path("after").exists());
}

#[test]
fn a_signal_ends_the_hook_and_all_it_has_started() {
    let config = hooks(
        "
  beforeLease:
    script: |
      trap '' TERM
      sleep 1000 & echo $! >child
      mv child began
      while :; do sleep 1000; done
  afterLease: {script: touch after}
",
    );
    let mut exporter = Exporter::run(&config, &[]);
    wait_for_file(&exporter.path("began"));
    let child = std::fs::read_to_string(exporter.path("began")).unwrap();
    exporter.signal(Signal::SIGTERM);
    assert_eq!(exporter.ended().code(), Some(143));
    assert!(!runs(&child), "the sleep in the background is still there");
    // What the first one had begun is put right.
    assert!(exporter.path("after").exists());
}

#[test]
fn a_second_signal_ends_the_hook_after_the_lease() {
    let config = hooks(
        "
  afterLease:
    script: |
      touch after
      sleep 1000
",
    );
    let mut exporter = Exporter::run(&config, &[]);
    let since = Instant::now();
    exporter.signal(Signal::SIGTERM);
    wait_for_file(&exporter.path("after"));
    exporter.signal(Signal::SIGINT);
    assert_eq!(exporter.ended().code(), Some(143));
    assert!(since.elapsed() < PATIENCE);
    assert!(exporter.stderr.contains("Stopping at once"));
}

#[test]
fn a_third_signal_leaves_everything_as_it_is_but_the_hook() {
    let config = hooks(
        "
  afterLease:
    script: |
      trap '' TERM
      echo $$ >hook
      mv hook after
      while :; do sleep 1000; done
",
    );
    let mut exporter = Exporter::run(&config, &[]);
    exporter.signal(Signal::SIGTERM);
    wait_for_file(&exporter.path("after"));
    let hook = std::fs::read_to_string(exporter.path("after")).unwrap();
    exporter.signal(Signal::SIGINT);
    exporter.stderr.wait_for("Stopping at once");
    exporter.signal(Signal::SIGQUIT);
    // It did not wait for the hook, which would have made it the number of the first signal.
    assert_eq!(exporter.ended().code(), Some(128 + Signal::SIGQUIT as i32));
    // Killed is killed, but the system may take a moment.
    let since = Instant::now();
    while runs(&hook) {
        assert!(since.elapsed() < PATIENCE, "the hook lives on");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_hangup_stops_it_like_any_other_signal() {
    let config = hooks("  afterLease: {script: touch after}\n");
    let mut exporter = Exporter::run(&config, &[]);
    exporter.signal(Signal::SIGHUP);
    assert_eq!(exporter.ended().code(), Some(129));
    assert!(exporter.path("after").exists());
}
