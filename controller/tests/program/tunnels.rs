//! How streams through the router end, and what they hold meanwhile.

use std::time::Duration;

use bytes::Bytes;
use jumpstarter_client::stream::{Reader, Writer};
use jumpstarter_proto::v1::ExporterStatus;
use tokio::time::timeout;

use crate::lab::{Lab, PATIENCE};
use crate::meeting::{LEASE, Meeting, complaint};
use crate::wire::Wire;

const CHUNK: usize = 64 << 10;

async fn say(writer: &mut Writer, text: &'static str) {
    writer
        .send(Bytes::from_static(text.as_bytes()))
        .await
        .unwrap();
}

async fn hear(reader: &mut Reader) -> String {
    let next = timeout(PATIENCE, reader.next()).await.unwrap();
    String::from_utf8(next.unwrap().unwrap().to_vec()).unwrap()
}

/// That nothing went wrong, after the last of the data.
async fn ends_well(mut reader: Reader) {
    assert!(timeout(PATIENCE, reader.next()).await.unwrap().is_none());
    timeout(PATIENCE, reader.outcome()).await.unwrap().unwrap();
}

/// A word there, so that both ends are known to have met.
async fn greet(from: &mut Writer, to: &mut Reader) {
    say(from, "hello").await;
    assert_eq!(hear(to).await, "hello");
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    for client_first in [true, false] {
        let (near, far) = meeting.stream().await;
        let (first, second) = match client_first {
            true => (near, far),
            false => (far, near),
        };
        let ((mut hears, mut says), (mut other_hears, mut other_says)) = (first, second);
        say(&mut says, "last").await;
        says.finish();
        assert_eq!(hear(&mut other_hears).await, "last");
        assert!(other_hears.next().await.is_none());
        // A side that has sent everything can still receive for as long as it likes.
        for text in ["one", "two", "three"] {
            say(&mut other_says, text).await;
            assert_eq!(hear(&mut hears).await, text);
        }
        other_says.finish();
        ends_well(hears).await;
        ends_well(other_hears).await;
    }
}

#[tokio::test]
async fn a_peer_that_vanishes_takes_the_other_with_it() {
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    for client_vanishes in [true, false] {
        let wire = Wire::to(lab.ports.router).await;
        let tokens = meeting.dial().await;
        let mut ways = [tokens.endpoint.as_str(); 2];
        ways[usize::from(!client_vanishes)] = &wire.endpoint;
        let ((mut near, mut near_says), (mut far, _far_says)) =
            meeting.stream_by(&tokens, ways).await;
        greet(&mut near_says, &mut far).await;
        wire.pull();
        let rest = match client_vanishes {
            true => &mut far,
            false => &mut near,
        };
        let told = timeout(PATIENCE, complaint(rest)).await.unwrap();
        assert!(told.contains("peer disconnected"), "{told}");
    }
}

#[tokio::test]
async fn a_peer_that_is_dead_without_a_word_is_noticed() {
    let lab = Lab::started_with("grpc: {keepalive: {intervalTime: 1s, timeout: 1s}}\n");
    let mut meeting = Meeting::new(&lab).await;
    let wire = Wire::to(lab.ports.router).await;
    let tokens = meeting.dial().await;
    let ways = [wire.endpoint.as_str(), &tokens.endpoint];
    let ((_near, mut near_says), (mut far, _far_says)) = meeting.stream_by(&tokens, ways).await;
    greet(&mut near_says, &mut far).await;
    wire.die();
    let told = timeout(PATIENCE, complaint(&mut far)).await.unwrap();
    assert!(told.contains("peer disconnected"), "{told}");
}

#[tokio::test]
async fn the_last_bytes_of_a_lease_arrive() {
    let lab = Lab::started_with("limits: {tunnel_grace: 10m}\n");
    let mut meeting = Meeting::new(&lab).await;
    let ((mut near, mut near_says), (mut far, mut far_says)) = meeting.stream().await;
    greet(&mut near_says, &mut far).await;
    lab.works(&["lease", "release", LEASE]);
    // The exporter has things to do after a lease, and says so.
    meeting.say(ExporterStatus::AfterLeaseHook).await;
    say(&mut far_says, "afterwards").await;
    assert_eq!(hear(&mut near).await, "afterwards");
    meeting.say(ExporterStatus::Available).await;
    // Long before the grace is over.
    for reader in [&mut near, &mut far] {
        let told = timeout(PATIENCE, complaint(reader)).await.unwrap();
        assert!(told.contains("lease has ended"), "{told}");
    }
}

#[tokio::test]
async fn who_does_not_read_cannot_keep_a_stream_beyond_its_lease() {
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    let ((mut near, mut near_says), (mut far, mut far_says)) = meeting.stream().await;
    greet(&mut near_says, &mut far).await;
    let sent = fill(&mut far_says).await;
    lab.works(&["lease", "release", LEASE]);
    let told = timeout(PATIENCE, complaint(&mut far)).await.unwrap();
    assert!(told.contains("lease has ended"), "{told}");
    // What was on its way to the client is no secret, but there is an end to it.
    let mut bytes = 0;
    let told = loop {
        match timeout(PATIENCE, near.next()).await.unwrap() {
            Some(Ok(chunk)) => bytes += chunk.len(),
            Some(Err(error)) => break error.to_string(),
            None => panic!("it looks as if all had come"),
        }
    };
    assert!(told.contains("lease has ended"), "{told}");
    assert!(bytes < sent, "{bytes} of {sent}");
}

/// Sends until nothing goes any more; how many bytes went.
async fn fill(writer: &mut Writer) -> usize {
    let mut sent = 0;
    let chunk = Bytes::from(vec![7; CHUNK]);
    while let Ok(went) = timeout(Duration::from_millis(500), writer.send(chunk.clone())).await {
        went.unwrap();
        sent += CHUNK;
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_sleep_cost_a_window_each_and_hold_up_nobody() {
    const TUNNELS: usize = 64;
    /// Through each that is read.
    const BYTES: usize = 4 << 20;
    /// What a sender may send ahead.
    const WINDOW: usize = 512 << 10;
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    let mut tunnels = Vec::new();
    for _ in 0..TUNNELS {
        let ((near, mut near_says), (mut far, far_says)) = meeting.stream().await;
        greet(&mut near_says, &mut far).await;
        tunnels.push((near, near_says, far, far_says));
    }
    let before = lab.memory();
    let mut awake = tokio::task::JoinSet::new();
    let mut asleep = tokio::task::JoinSet::new();
    for (number, (near, mut near_says, mut far, far_says)) in tunnels.into_iter().enumerate() {
        if number % 2 == 0 {
            asleep.spawn(async move {
                let sent = fill(&mut near_says).await;
                (sent, near_says, far, (near, far_says))
            });
            continue;
        }
        awake.spawn(async move {
            let sending = async {
                for _ in 0..BYTES / CHUNK {
                    near_says.send(Bytes::from(vec![7; CHUNK])).await.unwrap();
                }
                near_says.finish();
            };
            let receiving = async {
                let mut bytes = 0;
                while let Some(chunk) = far.next().await {
                    bytes += chunk.unwrap().len();
                }
                far_says.finish();
                bytes
            };
            let ((), bytes) = tokio::join!(sending, receiving);
            ends_well(near).await;
            bytes
        });
    }
    assert_eq!(awake.join_all().await, [BYTES; TUNNELS / 2]);
    let stuck = asleep.join_all().await;
    let gained = lab.memory().saturating_sub(before);
    // A window for each, as those that are read have one in passing, and as much again for everything
    // that is not payload.
    assert!(gained < TUNNELS * WINDOW * 2, "{} KiB more", gained >> 10);
    for (sent, near_says, mut far, _kept) in stuck {
        assert!(sent >= WINDOW, "only {sent} bytes went ahead");
        // Whoever wakes up gets all of it.
        near_says.finish();
        let mut bytes = 0;
        while let Some(chunk) = far.next().await {
            bytes += chunk.unwrap().len();
        }
        assert_eq!(bytes, sent);
    }
}

#[tokio::test]
async fn bytes_are_counted_by_lease() {
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    let ((mut near, mut near_says), (mut far, mut far_says)) = meeting.stream().await;
    let mut count = 0;
    for _ in 0..10 {
        near_says.send(Bytes::from(vec![1; 1000])).await.unwrap();
        far_says.send(Bytes::from(vec![2; 3000])).await.unwrap();
        count += far.next().await.unwrap().unwrap().len();
        count += near.next().await.unwrap().unwrap().len();
    }
    assert_eq!(count, 40_000);
    let of_lease = || {
        let shown = lab.works(&["lease", "get", LEASE, "-o", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        shown[0]["bytes"].as_u64()
    };
    let bytes = of_lease().unwrap();
    // Each frame has a few bytes of its own.
    assert!((40_000..41_000).contains(&bytes), "{bytes}");
    let metrics = lab.metrics();
    assert!(
        metrics.contains(&format!("\njumpstarter_router_bytes_total {bytes}\n")),
        "{metrics}"
    );
    assert!(
        metrics.contains("\njumpstarter_router_streams_joined 1\n"),
        "{metrics}"
    );

    lab.works(&["lease", "release", LEASE]);
    timeout(PATIENCE, complaint(&mut near)).await.unwrap();
    timeout(PATIENCE, complaint(&mut far)).await.unwrap();
    // The lease is gone from the router, its bytes are not.
    while of_lease().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let metrics = lab.metrics();
    assert!(
        metrics.contains(&format!("\njumpstarter_router_bytes_total {bytes}\n")),
        "{metrics}"
    );
    assert!(
        metrics.contains("\njumpstarter_router_streams_joined 0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_program_that_stops_says_so_on_every_stream_and_the_next_one_joins_new_ones() {
    let mut lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    let ((mut near, mut near_says), (mut far, _far_says)) = meeting.stream().await;
    greet(&mut near_says, &mut far).await;
    // Somebody who waits is told as well.
    let tokens = meeting.dial().await;
    let alone = meeting
        .client
        .router(&tokens.endpoint, &tokens.client)
        .await;
    let (mut alone, _alone_says) = alone.unwrap().split();
    let mut stopping = std::pin::pin!(tokio::task::spawn_blocking(move || {
        assert!(lab.stop().success());
        lab
    }));
    for reader in [&mut near, &mut far, &mut alone] {
        let told = timeout(PATIENCE, complaint(reader)).await.unwrap();
        assert!(told.contains("the router is shutting down"), "{told}");
    }
    let mut lab = stopping.as_mut().await.unwrap();
    lab.start();
    let mut meeting = meeting.again().await;
    let ((_near, mut near_says), (mut far, _far_says)) = meeting.stream().await;
    greet(&mut near_says, &mut far).await;
    // Tokens of the last life are good for those who have not met.
    let alone = meeting
        .client
        .router(&tokens.endpoint, &tokens.client)
        .await;
    let (_alone, mut says) = alone.unwrap().split();
    let late = meeting
        .exporter
        .router(&tokens.endpoint, &tokens.exporter)
        .await;
    let (mut hears, _late_says) = late.unwrap().split();
    greet(&mut says, &mut hears).await;
}
