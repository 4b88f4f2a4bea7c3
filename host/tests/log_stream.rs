//! What a client hears of the log: the real program, its stderr beside the stream.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::time::Duration;

use jumpstarter_proto::v1::{LogSource, LogStreamResponse};
use serde_json::Value;
use session_support::{Client, Exporter, POWER, call, uuid_of};
use tokio::time::timeout;

/// What the queue of a session holds.
const CAPACITY: usize = 256;

/// Reads until this line, which is included.
async fn read_until(
    client: &mut Client,
    last: impl Fn(&LogStreamResponse) -> bool,
) -> Vec<LogStreamResponse> {
    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let mut read = Vec::new();
    let reading = async {
        loop {
            let line = lines.message().await.unwrap().unwrap();
            let done = last(&line);
            read.push(line);
            if done {
                return;
            }
        }
    };
    let done = timeout(session_support::PATIENCE, reading).await;
    assert!(done.is_ok(), "the line never came: {read:#?}");
    read
}

/// Microsecond, level and message: which line it is, in the stream and on stderr.
type Known = (String, String, String);

fn streamed(line: &LogStreamResponse) -> Known {
    let micros = line.timestamp.unwrap().nanos / 1000;
    (
        format!("{micros:06}Z"),
        line.severity.to_lowercase(),
        line.message.clone(),
    )
}

fn printed(stderr: &str) -> Vec<Known> {
    let lines = stderr.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let ts = text("ts");
            (ts[ts.len() - 7..].to_owned(), text("level"), text("msg"))
        })
        .collect()
}

fn completed(operation: &'static str) -> impl Fn(&LogStreamResponse) -> bool {
    move |line| {
        line.message == "Operation completed" && line.operation.as_deref() == Some(operation)
    }
}

#[tokio::test]
async fn everything_since_the_session_opened_is_there_for_the_first_client() {
    let mut exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    // Long enough that nothing is left under way.
    exporter.stderr.wait_for("Operation completed");

    let read = read_until(&mut client, completed("on")).await;
    assert!(read.len() < CAPACITY);
    exporter.stop();
    let printed = printed(&exporter.stderr.all());
    let mut heard: Vec<_> = read.iter().map(streamed).collect();
    // Before the session there may be warnings about the configuration; after it, the goodbye.
    let start = printed.iter().position(|line| *line == heard[0]).unwrap();
    let mut printed = printed[start..start + heard.len()].to_vec();
    // Several threads speak, and do not wait for each other between the stream and stderr.
    printed.sort();
    heard.sort();
    assert_eq!(printed, heard);
    assert!(
        heard
            .iter()
            .any(|(_, _, message)| message.starts_with("Session server started")),
        "{heard:#?}"
    );
}

#[tokio::test]
async fn of_many_lines_the_last_256_are_kept() {
    let mut exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    for _ in 0..150 {
        client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    }
    client
        .driver_call(call(&uuid, "off", vec![]))
        .await
        .unwrap();

    let read = read_until(&mut client, completed("off")).await;
    assert_eq!(read.len(), CAPACITY);
    exporter.stop();
    let printed = printed(&exporter.stderr.all());
    let heard: Vec<_> = read.iter().map(streamed).collect();
    let kept = printed.windows(CAPACITY).position(|lines| lines == heard);
    let kept = kept.unwrap_or_else(|| panic!("{heard:#?}"));
    assert!(kept > 3 * 150 - CAPACITY, "older lines made room: {kept}");
}

#[tokio::test]
async fn a_failed_call_says_of_what_kind_its_trouble_was() {
    let exporter = Exporter::run(
        "
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: lab
  name: bench
export:
  rotten:
    type: jumpstarter_driver_test_rotten.driver.Rotten
",
        &[],
    );
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "rotten").await;
    client
        .driver_call(call(&uuid, "panic", vec![]))
        .await
        .unwrap_err();
    let read = read_until(&mut client, |line| line.message == "Operation failed").await;
    let failed = read.last().unwrap();
    assert_eq!(failed.source(), LogSource::Driver);
    assert_eq!(failed.severity, "WARNING");
    assert_eq!(failed.operation.as_deref(), Some("panic"));
    assert_eq!(failed.structured_fields["result"], "failure");
    assert!(failed.structured_fields.contains_key("error_type"));
    assert!(failed.timestamp.is_some());
}

#[tokio::test]
async fn a_stream_stays_open_and_hears_what_is_said_later() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let mut caller = exporter.client().await;
    let later = async {
        // So that the stream is most likely waiting already; it must work either way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        caller
            .driver_call(call(&uuid, "off", vec![]))
            .await
            .unwrap();
    };
    let (read, ()) = tokio::join!(read_until(&mut client, completed("off")), later);
    let off = read
        .iter()
        .filter(|line| line.operation.as_deref() == Some("off"));
    assert_eq!(off.count(), 2, "{read:#?}");
}

fn with_hooks(hooks: &str) -> String {
    format!("{POWER}hooks:\n{hooks}")
}

#[tokio::test]
async fn a_hook_and_what_becomes_of_it_are_heard_as_the_hooks() {
    let config = with_hooks("  beforeLease: {script: 'echo flashing; exit 3'}\n");
    let exporter = Exporter::run(&config, &[]);
    // Long before anybody listens.
    exporter.stderr.wait_for("on_failure=warn, continuing");
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();

    let read = read_until(&mut client, completed("on")).await;
    let of_the_hook: Vec<_> = read
        .iter()
        .filter(|line| line.source() == LogSource::BeforeLeaseHook)
        .map(|line| format!("{} {}", line.severity, line.message))
        .collect();
    assert_eq!(
        of_the_hook,
        [
            "INFO flashing",
            "WARNING Hook failed with exit code 3 (on_failure=warn, continuing)"
        ]
    );
    let source = |message: &str| {
        let mut lines = read.iter();
        let line = lines.find(|line| line.message.starts_with(message));
        line.unwrap_or_else(|| panic!("no `{message}` in {read:#?}"))
            .source()
    };
    assert_eq!(source("Executing before-lease hook"), LogSource::System);
    assert_eq!(source("Operation started"), LogSource::Driver);
    assert!(exporter.stderr.contains("\"logger\":\"hook.beforeLease\""));
}

#[tokio::test]
async fn a_hook_at_the_end_is_heard_by_whoever_still_listens() {
    let config = with_hooks("  afterLease: {script: 'echo cleaning'}\n");
    let mut exporter = Exporter::run(&config, &[]);
    let mut client = exporter.client().await;
    let signal = async {
        // The line is kept for whoever comes, so it does not matter who is first.
        exporter.signal(nix::sys::signal::Signal::SIGTERM);
    };
    let cleaning = |line: &LogStreamResponse| line.message == "cleaning";
    let (read, ()) = tokio::join!(read_until(&mut client, cleaning), signal);
    let last = read.last().unwrap();
    assert_eq!(last.source(), LogSource::AfterLeaseHook);
    assert_eq!(last.severity, "INFO");
    // The stream has to end for the exporter to see that nobody is left.
    drop(client);
    exporter.ended();
}
