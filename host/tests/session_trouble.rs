//! Drivers that fail, panic, hang and never stop; clients that go away; an end in the middle of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod session_support;

use std::time::Duration;

use jumpstarter_proto::v1::StreamingDriverCallResponse;
use nix::sys::signal::Signal;
use session_support::{Client, Exporter, call, streaming_call, uuid_of};
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status, Streaming};

const ROTTEN: &str = "
metadata: {namespace: lab, name: bench}
export:
  rotten:
    type: jumpstarter_driver_test_rotten.driver.Rotten
";

async fn start() -> (Exporter, Client, String) {
    let exporter = Exporter::run(ROTTEN, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "rotten").await;
    (exporter, client, uuid)
}

/// Everything a stream brings, and how it ended.
async fn drain(mut stream: Streaming<StreamingDriverCallResponse>) -> (Vec<f64>, Option<Status>) {
    let mut items = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(item)) => items.push(jumpstarter_value::from_slice(&item.result).unwrap()),
            Ok(None) => return (items, None),
            Err(status) => return (items, Some(status)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_go_through_unchanged_and_errors_keep_their_words() {
    let (exporter, mut client, uuid) = start().await;
    let text = jumpstarter_value::to_vec("täst \"quoted\"").unwrap();
    let answer = client
        .driver_call(call(&uuid, "echo", vec![text.clone().into()]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.result, text);

    let wrong = jumpstarter_value::to_vec(&5).unwrap();
    let error = client
        .driver_call(call(&uuid, "echo", vec![wrong.into()]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    let line = exporter.stderr.wait_for("Operation failed");
    for part in [
        "\"level\":\"warning\"",
        "\"logger\":\"driver.Rotten\"",
        "\"driver_type\":\"other\"",
        "\"operation\":\"echo\"",
        "\"result\":\"failure\"",
        "\"error_type\":\"validation_error\"",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_before_an_error_are_delivered() {
    let (exporter, mut client, uuid) = start().await;
    let stream = client
        .streaming_driver_call(streaming_call(&uuid, "fail_after_two", vec![]))
        .await
        .unwrap();
    let (items, error) = drain(stream.into_inner()).await;
    let error = error.unwrap();
    assert_eq!(items, [1.0, 2.0]);
    assert_eq!(
        (error.code(), error.message()),
        (Code::Internal, "the third went wrong")
    );
    let line = exporter.stderr.wait_for("Operation failed");
    assert!(line.contains("the third went wrong"), "{line}");

    let stream = client
        .streaming_driver_call(streaming_call(&uuid, "panic_after_one", vec![]))
        .await
        .unwrap();
    let (items, error) = drain(stream.into_inner()).await;
    assert_eq!(items, [0.0]);
    assert_eq!(error.unwrap().code(), Code::Internal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_an_error_of_one_call() {
    let (_exporter, mut client, uuid) = start().await;
    for method in ["panic", "panic_blocking", "panic_quick"] {
        let error = client
            .driver_call(call(&uuid, method, vec![]))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{method}: {error}");
        assert!(error.message().contains("panicked"), "{method}: {error}");
    }
    let text = jumpstarter_value::to_vec("still there").unwrap();
    client
        .driver_call(call(&uuid, "echo", vec![text.into()]))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_the_client_ends_the_call_here_too() {
    let (exporter, mut client, uuid) = start().await;
    let mut request = Request::new(call(&uuid, "hang", vec![]));
    request.set_timeout(Duration::from_millis(100));
    // The driver would take an hour.
    client.driver_call(request).await.unwrap_err();
    let line = exporter.stderr.wait_for("\"operation\":\"hang\"");
    assert!(line.contains("Operation started"), "{line}");
    // Whoever of client and exporter looks at the clock first ends it.
    exporter
        .stderr
        .wait_for_any(&["Operation failed", "Operation cancelled"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_ends_its_calls() {
    let (exporter, mut client, uuid) = start().await;
    let hanging = client.driver_call(call(&uuid, "hang", vec![]));
    timeout(Duration::from_millis(100), hanging)
        .await
        .unwrap_err();
    let line = exporter.stderr.wait_for("Operation cancelled");
    assert!(line.contains("\"operation\":\"hang\""), "{line}");

    let mut other = exporter.client().await;
    let mut silence = other
        .streaming_driver_call(streaming_call(&uuid, "silence", vec![]))
        .await
        .unwrap()
        .into_inner();
    timeout(Duration::from_millis(50), silence.message())
        .await
        .unwrap_err();
    drop((silence, other));
    while exporter.stderr.count("Operation cancelled") < 2 {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_slows_the_driver_down() {
    let (exporter, mut client, uuid) = start().await;
    let mut flood = client
        .streaming_driver_call(streaming_call(&uuid, "flood", vec![]))
        .await
        .unwrap()
        .into_inner();
    for expected in 0..1000 {
        let item = flood.message().await.unwrap().unwrap();
        assert_eq!(
            jumpstarter_value::from_slice::<u64>(&item.result).unwrap(),
            expected
        );
    }
    sleep(Duration::from_millis(200)).await;
    let before = resident(exporter.pid());
    sleep(Duration::from_millis(800)).await;
    let after = resident(exporter.pid());
    // A driver that nobody slows down makes millions of items in this time.
    assert!(after < before + 4096, "{before} KiB became {after} KiB");

    // What comes next is what comes next.
    let item = flood.message().await.unwrap().unwrap();
    assert_eq!(
        jumpstarter_value::from_slice::<u64>(&item.result).unwrap(),
        1000
    );
    // And others are served meanwhile.
    let text = jumpstarter_value::to_vec("x").unwrap();
    exporter
        .client()
        .await
        .driver_call(call(&uuid, "echo", vec![text.into()]))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_calls_get_a_second_and_then_an_answer() {
    let (mut exporter, mut client, uuid) = start().await;
    let hanging = tokio::spawn({
        let (mut client, uuid) = (client.clone(), uuid.clone());
        async move { client.driver_call(call(&uuid, "hang", vec![])).await }
    });
    let silence = client
        .streaming_driver_call(streaming_call(&uuid, "silence", vec![]))
        .await
        .unwrap()
        .into_inner();
    let silence = tokio::spawn(drain(silence));
    // Most of the second that they get; both are measured by the exporter's clock.
    let ending = tokio::spawn({
        let (mut client, uuid) = (client.clone(), uuid.clone());
        let milliseconds = jumpstarter_value::to_vec(&700).unwrap();
        async move {
            let block = call(&uuid, "block", vec![milliseconds.into()]);
            client.driver_call(block).await
        }
    });
    for method in ["hang", "block", "silence"] {
        exporter
            .stderr
            .wait_for(&format!("\"operation\":\"{method}\""));
    }

    exporter.signal(Signal::SIGTERM);
    exporter.stderr.wait_for("Stopping session server...");
    // The door is shut while the calls still run.
    while std::net::TcpStream::connect(exporter.address()).is_ok() {
        assert!(!hanging.is_finished(), "the door is open to the end");
    }
    ending.await.unwrap().expect("it ended within the second");

    let error = hanging.await.unwrap().unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::Unavailable, "Cancelling all calls")
    );
    let (items, error) = silence.await.unwrap();
    assert!(items.is_empty());
    assert_eq!(error.unwrap().message(), "Cancelling all calls");
    // An hour before the driver would be through.
    assert_eq!(exporter.ended().code(), Some(143));
    exporter.stderr.wait_for("Session server stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let (mut exporter, client, uuid) = start().await;
    let hanging = tokio::spawn({
        let mut client = client.clone();
        async move { client.driver_call(call(&uuid, "hang", vec![])).await }
    });
    exporter.stderr.wait_for("\"operation\":\"hang\"");
    exporter.signal(Signal::SIGTERM);
    exporter.stderr.wait_for("Stopping session server...");
    exporter.signal(Signal::SIGINT);
    assert_eq!(exporter.ended().code(), Some(143));
    let log = exporter.stderr.all();
    assert!(log.contains("Stopping at once"), "{log}");
    assert!(!log.contains("Session server stopped"), "{log}");
    assert_eq!(exporter.leftovers(), [""; 0]);
    // After the second that it was not given it would have had this answer.
    let error = hanging.await.unwrap().unwrap_err();
    assert_ne!(error.message(), "Cancelling all calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_does_not_close_is_left_behind() {
    let config = format!("{ROTTEN}    config: {{fault: close_hang}}\n");
    let mut exporter = Exporter::run(&config, &[]);
    exporter.signal(Signal::SIGTERM);
    // An hour before the driver would be through.
    assert_eq!(exporter.ended().code(), Some(143));
    let log = exporter.stderr.all();
    let (before, after) = log
        .split_once("Error closing driver rotten: no answer within ")
        .unwrap_or_else(|| panic!("{log}"));
    let limit: f32 = after.split(' ').next().unwrap().parse().unwrap();
    assert!(limit <= 2.0, "{log}");
    assert!(!before.contains("Session server stopped"), "{log}");
    assert!(after.contains("Session server stopped"), "{log}");
    assert_eq!(exporter.leftovers(), [""; 0]);
}

#[test]
fn a_driver_that_does_not_open_is_named() {
    let config = format!("{ROTTEN}    config: {{fault: open_error}}\n");
    let mut exporter = Exporter::launch(&config, &[], &[]);
    assert_eq!(exporter.ended().code(), Some(1));
    let log = exporter.stderr.all();
    let error = log
        .lines()
        .find(|line| line.starts_with("Error: "))
        .unwrap();
    assert!(error.contains("`rotten`"), "{error}");
    assert!(error.contains("the device is not plugged in"), "{error}");
    assert!(std::net::TcpStream::connect(exporter.address()).is_err());
}

#[test]
fn a_signal_during_the_start_is_obeyed_at_once() {
    let config = format!("{ROTTEN}    config: {{fault: open_hang}}\n");
    let mut exporter = Exporter::launch(&config, &[], &[]);
    exporter.stderr.wait_for("loading driver plugin");
    // A driver has half a minute to open; nothing waits for that, or winds up what is not there.
    assert_eq!(exporter.stop().code(), Some(143));
    let log = exporter.stderr.all();
    for line in ["did not open", "Stopping session server"] {
        assert!(!log.contains(line), "{log}");
    }
    assert_eq!(exporter.leftovers(), [""; 0]);
}
