//! Byte streams of the library: both directions, their ends, and everything that goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::time::Duration;

use bytes::Bytes;
use fake::{Fake, Serving, driver};
use jumpstarter_client::connect::{Options, Tls, connect};
use jumpstarter_client::device::CallError;
use jumpstarter_client::stream::StreamError;
use jumpstarter_client::{Device, Host, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

async fn lab() -> (Serving, Device) {
    let exporter = Fake::new([driver("net", "vendor.client.Net")])
        .serve()
        .await;
    let options = Options {
        tls: Tls::Off,
        passphrase: None,
    };
    let connection = connect(&Host::parse(&exporter.address), &options)
        .await
        .unwrap();
    let session = Session::open(connection).await.unwrap();
    let device = session.root().child("net").unwrap();
    (exporter, device)
}

#[tokio::test]
async fn bytes_go_there_and_back() {
    let (exporter, net) = lab().await;
    let mut stream = net.connect("connect").await.unwrap();
    assert_eq!(
        exporter.calls(),
        [r#"stream {"kind":"driver","uuid":"net","method":"connect"}"#]
    );
    stream.write_all(b"hello").await.unwrap();
    let mut buffer = [0; 3];
    stream.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hel");
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"lo");
    exporter.notes("connect ended after 5 bytes").await;
    let error = stream.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn much_data_comes_back_unchanged_although_windows_are_small() {
    let (_exporter, net) = lab().await;
    let (mut reader, mut writer) = net.connect("connect").await.unwrap().split();
    let data: Vec<u8> = (0..40_000_000_u32).map(|i| (i % 251) as u8).collect();
    let sent = Bytes::from(data.clone());
    let sending = tokio::spawn(async move {
        // Once in frames of every size, once in one that must be taken apart.
        let (mut half, rest) = (sent.slice(..20_000_000), sent.slice(20_000_000..));
        let mut size = 1;
        while !half.is_empty() {
            let chunk = half.split_to(size.min(half.len()));
            writer.send(chunk).await.unwrap();
            size = size * 3 % 1_000_003;
        }
        writer.send(rest).await.unwrap();
        writer.finish();
    });
    let mut received = Vec::new();
    while let Some(chunk) = reader.next().await {
        received.extend_from_slice(&chunk.unwrap());
    }
    sending.await.unwrap();
    assert!(received == data);
}

#[tokio::test]
async fn frames_that_are_no_data_are_no_data() {
    let (_exporter, net) = lab().await;
    let (mut reader, _writer) = net.connect("odd").await.unwrap().split();
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.next().await {
        chunks.push(chunk.unwrap());
    }
    assert_eq!(chunks, ["one", "", "two"]);
    assert!(reader.next().await.is_none());
    let mut text = String::new();
    let mut stream = net.connect("odd").await.unwrap();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "onetwo");
}

#[tokio::test]
async fn a_broken_stream_is_not_an_ended_one() {
    let (_exporter, net) = lab().await;
    let (mut reader, mut writer) = net.connect("breaks").await.unwrap().split();
    assert_eq!(reader.next().await.unwrap().unwrap(), "first");
    let error = reader.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the stream broke: the wire came off");
    assert!(reader.next().await.is_none());
    let closed = timeout(Duration::from_secs(10), async {
        loop {
            if let Err(error) = writer.send(Bytes::from_static(b"x")).await {
                return error;
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(matches!(closed.await.unwrap(), StreamError::Closed));
}

#[tokio::test]
async fn a_driver_that_fails_after_its_last_byte_is_heard_by_who_asks() {
    let (_exporter, net) = lab().await;
    let (mut reader, _writer) = net.connect("late").await.unwrap().split();
    assert_eq!(reader.next().await.unwrap().unwrap(), "last words");
    assert!(reader.next().await.is_none(), "all data is there");
    let error = reader.outcome().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stream broke: the device caught fire"
    );
    reader.outcome().await.expect("it is told once");
    assert!(reader.next().await.is_none());

    // Nor does a caller who has not read to the end miss it.
    let (mut reader, _writer) = net.connect("late").await.unwrap().split();
    assert!(reader.outcome().await.is_err());
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_ends_well_says_so() {
    let (_exporter, net) = lab().await;
    let (mut reader, writer) = net.connect("witness").await.unwrap().split();
    let waiting = timeout(Duration::from_millis(50), reader.outcome()).await;
    assert!(waiting.is_err(), "nothing is said yet: {waiting:?}");
    writer.finish();
    reader.outcome().await.unwrap();

    let (mut reader, _writer) = net.connect("closes").await.unwrap().split();
    assert!(reader.next().await.is_none());
    reader.outcome().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_cannot_be_opened_says_why() {
    let (_exporter, net) = lab().await;
    let error = net.connect("refuses").await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "stream 'refuses' failed with gRPC UNKNOWN: the other side is off"
    );
}

#[tokio::test]
async fn only_finish_is_an_end_to_the_other_side() {
    let (exporter, net) = lab().await;
    let (reader, mut writer) = net.connect("witness").await.unwrap().split();
    writer.send(Bytes::from_static(b"all")).await.unwrap();
    writer.finish();
    exporter.notes("witness saw the end").await;
    drop(reader);

    let mut stream = net.connect("witness").await.unwrap();
    stream.write_all(b"half").await.unwrap();
    drop(stream);
    exporter.notes("witness saw a reset").await;
    let calls = exporter.calls();
    assert!(!calls.iter().any(|call| call.contains("bare")), "{calls:?}");
}

#[tokio::test]
async fn either_half_can_go_first() {
    let (exporter, net) = lab().await;
    let (reader, mut writer) = net.connect("witness").await.unwrap().split();
    drop(reader);
    writer.send(Bytes::from_static(b"x")).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(exporter.calls().len(), 1, "the writing side goes on alone");
    drop(writer);
    exporter.notes("witness saw a reset").await;

    let (mut reader, writer) = net.connect("connect").await.unwrap().split();
    drop(writer);
    let nothing = timeout(Duration::from_millis(50), reader.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    drop(reader);
    exporter
        .notes("connect lost its client after 0 bytes")
        .await;
}

#[tokio::test]
async fn streams_that_nobody_reads_stop_and_the_others_go_on() {
    let (exporter, net) = lab().await;
    let mut stuck = Vec::new();
    for _ in 0..40 {
        stuck.push(net.connect("flood").await.unwrap());
    }
    let mut deaf = net.connect("deaf").await.unwrap();
    let written = timeout(Duration::from_secs(2), async {
        let chunk = [0; 64 * 1024];
        for _ in 0..1000 {
            deaf.write_all(&chunk).await.unwrap();
        }
    });
    assert!(
        written.await.is_err(),
        "64 MB went to somebody who does not read"
    );
    let before = exporter.flooded();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(exporter.flooded(), before, "floods stop");
    // Two megabytes of each are in the window, the rest in the server's own queue.
    assert!(before < 120 * 1024 * 1024, "{before}");

    let mut stream = net.connect("connect").await.unwrap();
    let echoed = timeout(Duration::from_secs(10), async {
        let mut buffer = vec![0; 1024 * 1024];
        for _ in 0..20 {
            let (mut reader, mut writer) = tokio::io::split(&mut stream);
            let data = buffer.clone();
            let (sent, received) =
                tokio::join!(writer.write_all(&data), reader.read_exact(&mut buffer));
            sent.unwrap();
            received.unwrap();
        }
    });
    echoed.await.expect("the others go on");
    drop(stuck);
    exporter.notes("flood lost its client").await;
}

#[tokio::test]
async fn two_hundred_at_once() {
    let (_exporter, net) = lab().await;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..200_u8 {
        let net = net.clone();
        tasks.spawn(async move {
            let mut stream = net.connect("connect").await.unwrap();
            let data = vec![i; 10_000];
            stream.write_all(&data).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut back = Vec::new();
            stream.read_to_end(&mut back).await.unwrap();
            assert!(back == data);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
