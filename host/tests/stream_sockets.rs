//! Sockets with messages: packets, which have an end, and datagrams, which have none.

#![allow(clippy::unwrap_used)]

mod session_support;
mod stream_support;

use std::time::Duration;

use stream_support::{Bench, noise};
use tonic::Code;

#[tokio::test]
async fn packets_keep_their_boundaries() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("packets").await;
    let packets: Vec<_> = (0..300).map(|n| noise(1 + n * n % 4000)).collect();
    for packet in &packets {
        talk.data(packet.clone()).await;
    }
    for packet in &packets {
        assert_eq!(talk.chunk().await, packet);
    }
    let large = noise(150_000);
    talk.data(large.clone()).await;
    assert!(talk.chunk().await == large, "one frame, one packet");
}

#[tokio::test]
async fn a_frame_that_is_too_large_for_a_packet_is_cut() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("packets").await;
    for length in [250_000, 1_000_000, 4 << 20 >> 1] {
        let sent = noise(length);
        talk.data(sent.clone()).await;
        assert!(talk.bytes(length).await == sent, "{length}");
    }
    talk.goaway().await;
    let rest = talk.rest().await;
    assert!(rest.goaway && rest.status.is_ok(), "{rest:?}");
}

#[tokio::test]
async fn datagrams() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("datagrams").await;
    for length in [1, 100, 1400, 9000, 65_507] {
        let sent = noise(length);
        talk.data(sent.clone()).await;
        assert!(talk.chunk().await == sent, "{length}");
    }
    // Longer than any datagram: lost, and nothing else is.
    talk.data(noise(65_508)).await;
    talk.data(noise(1 << 20)).await;
    talk.data("still there").await;
    assert_eq!(talk.chunk().await, "still there");
    // There is no end to pass on, so the driver goes on.
    talk.goaway().await;
    talk.quiet().await;
}

#[tokio::test]
async fn an_answer_reaches_a_client_that_has_sent_everything() {
    let bench = Bench::new().await;
    for goaway in [true, false] {
        let mut talk = bench.abi("datagrams").await;
        talk.data("ping").await;
        if goaway {
            talk.goaway().await;
        } else {
            talk.half_close();
        }
        assert_eq!(talk.chunk().await, "ping");
        talk.quiet().await;
    }
}

#[tokio::test]
async fn datagrams_to_nobody() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("unplugged").await;
    for _ in 0..50 {
        talk.data("anybody?").await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    talk.quiet().await;
}

#[tokio::test]
async fn streams_of_the_sdk() {
    let bench = Bench::new().await;
    let mut talk = bench.sdk("echo_bytes").await;
    talk.data("x").await;
    assert_eq!(talk.chunk().await, "x");
    talk.half_close();
    let rest = talk.rest().await;
    assert!(rest.goaway && rest.status.is_ok(), "{rest:?}");

    let mut talk = bench.sdk("fail_bytes").await;
    talk.data("x").await;
    let rest = talk.rest().await;
    assert_eq!((&rest.bytes[..], rest.goaway), (&b"x"[..], true));
    let status = rest.status.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let text = "RouterStream: aclose: the device caught fire";
    assert_eq!(status.message(), text);
}
