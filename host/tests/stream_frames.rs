//! Frames in both directions, and what is none.

#![allow(clippy::unwrap_used)]

mod session_support;
mod stream_support;

use bytes::Bytes;
use jumpstarter_proto::v1::FrameType;
use stream_support::{Bench, Talk, driver, frame, noise};
use tonic::Code;

#[tokio::test]
async fn data_comes_back() {
    let bench = Bench::new().await;
    for mut talk in [
        bench.abi("echo").await,
        bench.abi("plain").await,
        bench.sdk("echo_bytes").await,
    ] {
        talk.data("hello").await;
        assert_eq!(talk.chunk().await, "hello");
        for length in [1, 100, 4096, 16_384, 65_536, 200_000, 1 << 20] {
            let sent = noise(length);
            talk.data(sent.clone()).await;
            assert!(talk.bytes(length).await == sent, "{length}");
        }
    }
}

#[tokio::test]
async fn the_longest_frame_and_one_that_is_longer() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("echo").await;
    // With its head, it has just the length that gRPC allows.
    let sent = noise((4 << 20) - 5);
    talk.data(sent.clone()).await;
    assert!(talk.bytes(sent.len()).await == sent);
    talk.data(noise((4 << 20) - 4)).await;
    let status = talk.rest().await.status.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(
        status.message(),
        "decoded message length too large: found 4194305 bytes, the limit is: 4194304 bytes"
    );
}

#[tokio::test]
async fn frames_that_mean_nothing() {
    let bench = Bench::new().await;
    for method in ["echo", "packets", "datagrams"] {
        let mut talk = bench.abi(method).await;
        for frame_type in [6, 3, 1, 99, -1] {
            talk.send(frame(frame_type, "")).await;
            talk.send(frame(frame_type, "not data")).await;
        }
        talk.data("data").await;
        assert_eq!(talk.chunk().await, "data", "{method}");
        talk.quiet().await;
    }
}

#[tokio::test]
async fn empty_data() {
    let bench = Bench::new().await;
    for method in ["echo", "packets"] {
        let mut talk = bench.abi(method).await;
        for _ in 0..3 {
            talk.data("").await;
        }
        talk.data("x").await;
        talk.data("").await;
        assert_eq!(talk.chunk().await, "x", "{method}");
        talk.quiet().await;
        talk.goaway().await;
        assert!(talk.rest().await.goaway);
    }
}

#[tokio::test]
async fn either_way_of_sending_no_more() {
    let bench = Bench::new().await;
    for method in ["echo", "plain", "packets"] {
        for goaway in [true, false] {
            let mut talk = bench.abi(method).await;
            talk.data("last words").await;
            if goaway {
                talk.goaway().await;
                // Nobody reads this, and the call may be over before it is sent.
                let to = talk.to.as_ref().unwrap();
                to.send(frame(FrameType::Data, "never")).await.ok();
                to.send(frame(99, "never")).await.ok();
            } else {
                talk.half_close();
            }
            let rest = talk.rest().await;
            assert_eq!(rest.bytes, b"last words", "{method} {goaway}");
            assert!(rest.goaway && rest.status.is_ok(), "{rest:?}");
        }
    }
}

#[tokio::test]
async fn what_follows_goaway_keeps_nobody_waiting() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("gives").await;
    talk.goaway().await;
    let to = talk.to.take().unwrap();
    let pushing = tokio::spawn(async move {
        while to
            .send(frame(FrameType::Data, noise(100_000)))
            .await
            .is_ok()
        {}
    });
    let rest = talk.rest().await;
    assert_eq!(rest.bytes.len(), 1 << 20);
    assert!(rest.goaway && rest.status.is_ok(), "{rest:?}");
    drop(talk);
    // The connection is not stuck either.
    let mut other = bench.abi("echo").await;
    other.data("hello").await;
    assert_eq!(other.chunk().await, "hello");
    pushing.await.unwrap();
}

#[tokio::test]
async fn the_directions_do_not_wait_for_each_other() {
    let bench = Bench::new().await;
    // The driver ends its side at once; the client's goes on.
    let mut talk = bench.abi("counts").await;
    talk.expect_goaway().await;
    for _ in 0..10 {
        talk.data(noise(50_000)).await;
    }
    talk.goaway().await;
    let status = talk.rest().await.status.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(
        status.message(),
        "RouterStream: aclose: received 500000 bytes"
    );

    // The client ends its side at once; the driver's goes on.
    let mut talk = bench.abi("gives").await;
    talk.goaway().await;
    let rest = talk.rest().await;
    assert_eq!(rest.bytes.len(), 1 << 20);
    assert!(rest.goaway && rest.status.is_ok());
}

#[tokio::test]
async fn messages_that_are_no_frames() {
    for (bytes, code, text) in [
        (
            &b"\x00\x00\x00\x00\x01\xff"[..],
            Code::Internal,
            "a message cannot be decoded as `jumpstarter.v1.StreamRequest`",
        ),
        (
            b"\x00\x00\x00\x00\x05\x0a\x7fabc",
            Code::Internal,
            "a message cannot be decoded as `jumpstarter.v1.StreamRequest`",
        ),
        (
            b"\x01\x00\x00\x00\x01\x00",
            Code::Unimplemented,
            "compressed messages are not accepted",
        ),
        (
            b"\x00\xff\xff\xff\xff",
            Code::OutOfRange,
            "decoded message length too large: found 4294967295 bytes",
        ),
        (
            b"\x00\x00\x00\x00\x10\x0a\x0eabc",
            Code::Internal,
            "the stream ends in the middle of a message",
        ),
    ] {
        let bench = Bench::new().await;
        let status = raw(&bench, bytes).await;
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().starts_with(text), "{status:?}");
        // The others go on.
        let mut talk = bench.abi("echo").await;
        talk.data("fine").await;
        assert_eq!(talk.chunk().await, "fine");
        bench.wait_for("open", 1.0).await;
    }
}

/// Sends these bytes as the body of a call, and nothing more.
async fn raw(bench: &Bench, bytes: &'static [u8]) -> tonic::Status {
    use http_body_util::{BodyExt, Full};
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = hyper::Request::post(format!(
        "http://{}/jumpstarter.v1.RouterService/Stream",
        bench.exporter.address()
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .header("request", driver(&bench.abi, "echo"))
    .body(Full::new(Bytes::from_static(bytes)))
    .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.headers().get("grpc-status"), None, "it was open");
    let body = response.into_body().collect().await.unwrap();
    tonic::Status::from_header_map(body.trailers().unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_that_has_no_time() {
    let bench = Bench::new().await;
    let request = driver(&bench.abi, "echo");
    let talk = Talk::open_with(&bench.router, |metadata| {
        metadata.insert("request", request.parse().unwrap());
        metadata.insert("grpc-timeout", "200m".parse().unwrap());
    });
    let mut talk = talk.await.unwrap();
    talk.data("hello").await;
    assert_eq!(talk.chunk().await, "hello");
    let status = talk.rest().await.status.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    bench.wait_for("open", 0.0).await;
}
