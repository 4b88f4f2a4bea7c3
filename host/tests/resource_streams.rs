//! Streams of clients, as they are: who may take them, and how they end.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::time::Duration;

use jumpstarter_host::plugin::{CallError, Code};
use jumpstarter_host::resource::{Direction, Options};
use resource_support::{Bench, soon};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

fn went(when: &str) -> Result<(), CallError> {
    let text = format!("the client went away {when}");
    Err(CallError::new(Code::Cancelled, text))
}

fn unknown(uuid: &str) -> CallError {
    CallError::new(Code::Unknown, format!("UUID('{uuid}')"))
}

#[tokio::test]
async fn a_driver_reads_what_the_client_sends() {
    let (mut client, taken) = Bench::new().transfer(None, Direction::Read).await;
    let data = vec![7; 3 << 20];
    let send = async {
        assert!(client.send(&data, 64 << 10).await);
        client.finish().await;
        // The driver is done: the stream ends.
        assert_eq!(client.receive().await, b"");
    };
    let ((), (read, outcome)) = tokio::join!(send, taken.read());
    assert_eq!(read, data);
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_driver_writes_what_the_client_receives() {
    let (mut client, taken) = Bench::new().transfer(None, Direction::Write).await;
    // A client that wants to receive has nothing to send.
    client.finish().await;
    let data = vec![9; 3 << 20];
    let (received, outcome) = tokio::join!(client.receive(), taken.write(&data, 10_000));
    assert_eq!(received, data);
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_writer_is_done_when_the_client_has_everything_and_not_before() {
    let (mut client, mut taken) = Bench::new().transfer(None, Direction::Write).await;
    client.finish().await;
    taken.socket.write_all(b"all").await.unwrap();
    taken.socket.shutdown().await.unwrap();
    assert!(!taken.outcome.is_over());
    let mut outcome = Box::pin(taken.outcome.wait());
    let early = timeout(Duration::from_millis(100), &mut outcome).await;
    assert!(early.is_err());
    assert_eq!(client.receive().await, b"all");
    // The client stays until its call has returned, which waits for this.
    assert_eq!(soon(outcome).await, Ok(()));
    drop(client);
}

#[tokio::test]
async fn data_that_was_whole_stays_whole_when_the_client_leaves() {
    let (mut client, taken) = Bench::new().transfer(None, Direction::Read).await;
    client.send(b"all of it", 4).await;
    client.finish().await;
    drop(client);
    assert_eq!(taken.read().await, (b"all of it".to_vec(), Ok(())));
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_no_end_of_file() {
    let bench = Bench::new();
    let (mut client, taken) = bench.transfer(None, Direction::Read).await;
    client.send(b"half", 4).await;
    drop(client);
    let (data, outcome) = taken.read().await;
    assert_eq!(data, b"half");
    assert_eq!(outcome, went("before it had sent all of its data"));

    let (client, mut taken) = bench.transfer(None, Direction::Write).await;
    taken.socket.write_all(b"unwanted").await.unwrap();
    drop(client);
    assert!(taken.outcome.is_over());
    assert!(taken.socket.write_all(b"more").await.is_err());
    let outcome = taken.outcome.wait().await;
    assert_eq!(outcome, went("before it had taken all of the data"));
}

#[tokio::test]
async fn a_client_that_leaves_with_everything_was_served() {
    let (mut client, mut taken) = Bench::new().transfer(None, Direction::Write).await;
    client.finish().await;
    taken.socket.write_all(b"all").await.unwrap();
    taken.socket.shutdown().await.unwrap();
    assert_eq!(client.receive().await, b"all");
    drop(client);
    assert_eq!(taken.outcome.wait().await, Ok(()));
}

#[tokio::test]
async fn a_driver_that_closes_early_ends_the_stream() {
    let (mut client, taken) = Bench::new().transfer(None, Direction::Read).await;
    client.send(b"not wanted", 64).await;
    drop(taken);
    assert_eq!(soon(client.receive()).await, b"");
    assert!(!client.send(b"nor this", 64).await);
}

#[tokio::test]
async fn a_handle_is_used_once_and_by_its_driver_only() {
    let bench = Bench::new();
    let client = bench.offer(None);
    let handle = client.handle();
    let uuid = handle["uuid"].as_str().unwrap();
    let value = jumpstarter_value::to_vec(&handle).unwrap();
    let another = bench
        .resources
        .take(&[Uuid::new_v4()], &value, Direction::Read)
        .await;
    assert_eq!(another.unwrap_err(), unknown(uuid));
    assert!(bench.take(&handle, Direction::Read).await.is_ok());
    let again = bench.take(&handle, Direction::Read).await;
    assert_eq!(again.err(), Some(unknown(uuid)));

    // Nobody has used it while the client was there.
    let client = bench.offer(None);
    let handle = client.handle();
    drop(client);
    let late = bench.take(&handle, Direction::Read).await;
    assert_eq!(late.err(), Some(unknown(handle["uuid"].as_str().unwrap())));
}

#[tokio::test]
async fn what_is_no_handle_is_an_argument_that_is_wrong() {
    let bench = Bench::new();
    let values = [
        json!(null),
        json!("{"),
        json!({"kind": "floppy", "uuid": Uuid::new_v4().to_string()}),
        json!({"kind": "client_stream", "uuid": "garbage"}),
        json!({"kind": "client_stream", "uuid": Uuid::new_v4().to_string(),
               "x_jmp_content_encoding": "rot13"}),
        json!({"kind": "presigned_request", "url": "http://h/", "method": "DELETE", "headers": {}}),
    ];
    for value in values {
        let error = bench.take(&value, Direction::Read).await.err().unwrap();
        assert_eq!(error.code, Code::InvalidArgument, "{value}: {error}");
        assert!(error.message.contains("resource handle"), "{error}");
    }
    let own = [bench.driver];
    let broken = bench
        .resources
        .take(&own, b"\xff\xff", Direction::Read)
        .await;
    assert_eq!(broken.unwrap_err().code, Code::InvalidArgument);
}

#[tokio::test]
async fn streams_that_no_call_uses_are_limited() {
    let bench = Bench::new();
    let mut offers: Vec<_> = (0..256)
        .map(|_| bench.resources.offer(bench.driver, None).unwrap())
        .collect();
    let error = bench.resources.offer(bench.driver, None).unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert!(error.message.contains("256 resource streams"), "{error}");
    // Of another driver there are none.
    bench.resources.offer(Uuid::new_v4(), None).unwrap();
    offers.pop();
    offers.push(bench.resources.offer(bench.driver, None).unwrap());
}

#[test]
fn encodings_are_agreed_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let refusing = Options {
        refuse_encodings: true,
        ..Options::default()
    };
    let (bench, refusing) = (Bench::new(), Bench::with(refusing));
    let cases = [
        (&bench, None, json!(null), Some("")),
        (&bench, Some("gzip"), json!("gzip"), Some("gzip")),
        (&bench, Some("xz"), json!("xz"), Some("xz")),
        (&bench, Some("bz2"), json!("bz2"), Some("bz2")),
        (&bench, Some("zstd"), json!("zstd"), Some("zstd")),
        (&bench, Some(""), json!(null), None),
        (&bench, Some("foo"), json!(null), None),
        (&bench, Some("GZIP"), json!(null), None),
        (&refusing, Some("zstd"), json!(null), None),
        (&refusing, None, json!(null), Some("")),
    ];
    for (bench, asked, in_handle, accepted) in cases {
        let client = bench.offer(asked);
        let (text, answer) = client.offer.metadata();
        assert_eq!(answer, accepted, "{asked:?}");
        let handle: serde_json::Value = serde_json::from_str(text).unwrap();
        let expected = json!({
            "kind": "client_stream",
            "uuid": handle["uuid"],
            "x_jmp_content_encoding": in_handle,
        });
        assert_eq!(handle, expected);
        let uuid: Uuid = handle["uuid"].as_str().unwrap().parse().unwrap();
        assert_eq!(uuid.get_version_num(), 4);
    }
}

#[tokio::test]
async fn a_client_need_not_say_which_way_its_data_goes() {
    let (mut client, mut taken) = Bench::new().transfer(None, Direction::Either).await;
    client.send(b"ping", 4).await;
    let mut read = [0; 4];
    taken.socket.read_exact(&mut read).await.unwrap();
    taken.socket.write_all(b"pong").await.unwrap();
    drop(taken);
    sleep(Duration::from_millis(10)).await;
    assert_eq!((&read, client.receive().await), (b"ping", b"pong".to_vec()));
}
