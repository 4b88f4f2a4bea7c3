//! Byte streams of every shape, many at once, through a real exporter: what arrives is what was
//! sent, and nothing is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jumpstarter_proto::v1::{
    FrameType, StreamRequest, StreamResponse, router_service_client::RouterServiceClient,
};
use jumpstarter_tests::{Lab, PATIENCE, Peer, dial};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sha2::{Digest, Sha256};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming, transport::Channel};

const DRIVERS: &str = "
abi: {type: jumpstarter_driver_test_rotten_abi.driver.Rotten}
sdk: {type: jumpstarter_driver_test_rotten.driver.Rotten}
";
const CASES: u32 = 24;
/// What the driver's method `gives` sends.
const GIFT: usize = 1 << 20;

/// One stream, from beginning to end.
#[derive(Clone, Debug)]
struct Story {
    driver: Driver,
    frames: Vec<Sent>,
    ending: Ending,
    /// Rests for this many milliseconds after each of these many bytes.
    pauses: Option<(usize, u64)>,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    /// Sends everything back: a stream of bytes, packets, the SDK.
    Echo(&'static str, &'static str),
    /// Sends back the beginning, and fails.
    Fails,
    /// Sends a MiB, and reads.
    Gives,
    /// Sends without end.
    Floods,
}

#[derive(Clone, Copy, Debug)]
enum Sent {
    /// A data frame of this many bytes.
    Data(usize),
    /// A frame without meaning.
    Noise(i32),
    Pause(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Goaway,
    HalfClose,
    /// Hangs up after all frames.
    AbortWriting,
    /// Hangs up when so many bytes have come.
    AbortReading(usize),
}

/// What came.
struct Came {
    length: usize,
    digest: [u8; 32],
    goaway: bool,
    status: Result<(), Status>,
}

#[test]
fn every_story_ends_as_it_should() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS.trim()).rotten().start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut peer = runtime.block_on(Peer::of(&exporter));
    let uuids = Arc::new([peer.uuid("abi"), peer.uuid("sdk")]);
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        // A story is a set of races; the one that went wrong need not go wrong again.
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    });
    let stories = proptest::collection::vec(story(), 1..12);
    let outcome = runner.run(&stories, |stories| {
        // The HTTP library does not reset a call whose data waits for room: the connection has to
        // go, and it goes with its runtime.
        let clients = tokio::runtime::Runtime::new().unwrap();
        clients.block_on(async {
            // One connection for all of them.
            let router = RouterServiceClient::new(dial(&exporter).await);
            let mut running = JoinSet::new();
            for story in stories {
                let (router, uuids) = (router.clone(), Arc::clone(&uuids));
                running.spawn(async move {
                    let shown = format!("{story:?}");
                    timeout(PATIENCE, tell(router, &uuids, story))
                        .await
                        .unwrap_or_else(|_| panic!("it does not end: {shown}"));
                });
            }
            while let Some(told) = running.join_next().await {
                told.map_err(|error| TestCaseError::fail(error.to_string()))?;
            }
            Ok(())
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(nothing_is_left(&mut peer));
    let (code, log) = exporter.stop();
    assert_eq!(code, 143, "{log}");
}

/// All streams of the driver have an outcome, and nobody had to be told.
async fn nothing_is_left(peer: &mut Peer) {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let open = peer.call("abi", "open", vec![]).await.unwrap();
        let open: f64 = jumpstarter_value::from_slice(&open).unwrap();
        if open == 0.0 {
            break;
        }
        assert!(
            tokio::time::Instant::now() < until,
            "{open} streams are left"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let closed = peer.call("abi", "closed", vec![]).await.unwrap();
    let closed: f64 = jumpstarter_value::from_slice(&closed).unwrap();
    assert!(closed == 0.0, "{closed} drivers had to be told");
}

// === stories ===

fn story() -> impl Strategy<Value = Story> {
    let driver = prop_oneof![
        4 => Just(Driver::Echo("abi", "echo")),
        2 => Just(Driver::Echo("abi", "plain")),
        2 => Just(Driver::Echo("abi", "packets")),
        2 => Just(Driver::Echo("sdk", "echo_bytes")),
        1 => Just(Driver::Fails),
        1 => Just(Driver::Gives),
        1 => Just(Driver::Floods),
    ];
    let length = prop_oneof![
        3 => 0..64_usize,
        3 => 64..20_000_usize,
        // Around the sizes of buffers and of HTTP/2 frames.
        2 => prop_oneof![Just(16_384), Just(65_536), Just(131_072)]
            .prop_flat_map(|edge: usize| edge - 12..edge + 12),
        1 => 200_000..600_000_usize,
    ];
    let frame = prop_oneof![
        12 => length.prop_map(Sent::Data),
        1 => prop_oneof![Just(3), Just(6), Just(42), Just(-7)].prop_map(Sent::Noise),
        1 => (0..20_u64).prop_map(Sent::Pause),
    ];
    let ending = prop_oneof![
        3 => Just(Ending::Goaway),
        3 => Just(Ending::HalfClose),
        1 => Just(Ending::AbortWriting),
        1 => (0..500_000_usize).prop_map(Ending::AbortReading),
    ];
    let pauses = proptest::option::weighted(0.3, (1_000..300_000_usize, 1..15_u64));
    let frames = proptest::collection::vec(frame, 0..30);
    (driver, frames, ending, pauses).prop_map(|(driver, frames, ending, pauses)| Story {
        driver,
        frames,
        ending: match (driver, ending) {
            // Who sends without end is not read to the end.
            (Driver::Floods, _) => Ending::AbortReading(3_000_000),
            // Nor does anybody wait for what does not come.
            (Driver::Fails, Ending::AbortReading(_)) => Ending::Goaway,
            (_, ending) => ending,
        },
        pauses,
    })
}

/// Tells a story, and says if it ends in another way than it should.
async fn tell(mut router: RouterServiceClient<Channel>, uuids: &[String; 2], story: Story) {
    let (uuid, method) = match story.driver {
        Driver::Echo("sdk", method) => (&uuids[1], method),
        Driver::Echo(_, method) => (&uuids[0], method),
        Driver::Fails => (&uuids[0], "fails"),
        Driver::Gives => (&uuids[0], "gives"),
        Driver::Floods => (&uuids[0], "floods"),
    };
    let (to, frames) = mpsc::channel(1);
    let mut request = Request::new(ReceiverStream::new(frames));
    let wanted = format!(r#"{{"kind":"driver","uuid":"{uuid}","method":"{method}"}}"#);
    let metadata = request.metadata_mut();
    metadata.insert("request", wanted.parse().unwrap());
    let from = router.stream(request).await.unwrap().into_inner();

    let sent = sent(&story);
    let writing = tokio::spawn(write(to, story.clone(), sent.clone()));
    let came = read(from, &story, writing).await;
    check(&story, &sent, &came);
}

/// All the data of a story.
fn sent(story: &Story) -> Bytes {
    let mut state = 0x9e37_79b9_u32;
    (0..sent_length(story))
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect()
}

/// Sends the story, as far as anybody listens. What it returns keeps the stream from being
/// half-closed.
async fn write(
    to: mpsc::Sender<StreamRequest>,
    story: Story,
    mut data: Bytes,
) -> Option<mpsc::Sender<StreamRequest>> {
    let frame = |payload, frame_type| StreamRequest {
        payload,
        frame_type,
    };
    for sent in story.frames {
        let request = match sent {
            Sent::Data(length) => frame(data.split_to(length), 0),
            Sent::Noise(frame_type) => frame(Bytes::from_static(b"noise"), frame_type),
            Sent::Pause(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                continue;
            }
        };
        if to.send(request).await.is_err() {
            return None;
        }
    }
    match story.ending {
        Ending::HalfClose => None,
        Ending::Goaway => {
            let goaway = frame(Bytes::new(), FrameType::Goaway.into());
            to.send(goaway).await.ok().map(|()| to)
        }
        Ending::AbortWriting | Ending::AbortReading(_) => Some(to),
    }
}

async fn read(
    mut from: Streaming<StreamResponse>,
    story: &Story,
    mut writing: tokio::task::JoinHandle<Option<mpsc::Sender<StreamRequest>>>,
) -> Came {
    let mut hash = Sha256::new();
    let mut came = Came {
        length: 0,
        digest: [0; 32],
        goaway: false,
        status: Ok(()),
    };
    let mut rested = 0;
    let mut open = None;
    while !is_enough(story, came.length) {
        let message = tokio::select! {
            message = from.message() => message,
            to = &mut writing, if open.is_none() => {
                open = Some(to.unwrap());
                if story.ending == Ending::AbortWriting {
                    break;
                }
                continue;
            }
        };
        match message {
            Err(status) => {
                came.status = Err(status);
                break;
            }
            Ok(None) => break,
            Ok(Some(frame)) if frame.frame_type() == FrameType::Goaway => {
                assert!(!came.goaway, "a second end");
                came.goaway = true;
                // Of an abort there is nothing more to come.
                if matches!(story.ending, Ending::AbortReading(_)) {
                    break;
                }
            }
            Ok(Some(frame)) => {
                assert!(!came.goaway, "data after the end");
                came.length += frame.payload.len();
                hash.update(&frame.payload);
            }
        }
        if let Some((every, millis)) = story.pauses
            && came.length - rested > every
        {
            rested = came.length;
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
    writing.abort();
    came.digest = hash.finalize().into();
    came
}

/// Whether the story is about a client that hangs up now: because it has got what it wanted, or
/// because there is no more.
fn is_enough(story: &Story, length: usize) -> bool {
    let all = match story.driver {
        Driver::Gives => GIFT,
        Driver::Floods => usize::MAX,
        Driver::Echo(..) | Driver::Fails => sent_length(story),
    };
    matches!(story.ending, Ending::AbortReading(enough) if length >= enough.min(all))
}

fn sent_length(story: &Story) -> usize {
    let lengths = story.frames.iter().map(|frame| match frame {
        Sent::Data(length) => *length,
        _ => 0,
    });
    lengths.sum()
}

fn check(story: &Story, sent: &Bytes, came: &Came) {
    // What the driver sends, as far as it was read.
    let source: Vec<u8> = match story.driver {
        Driver::Gives => vec![b'!'; GIFT],
        Driver::Floods => (0..came.length)
            .map(|at| (at % 65_536 % 251) as u8)
            .collect(),
        Driver::Echo(..) | Driver::Fails => sent.to_vec(),
    };
    assert!(
        came.length <= source.len(),
        "{} too much",
        came.length - source.len()
    );
    let digest: [u8; 32] = Sha256::digest(&source[..came.length]).into();
    assert!(
        came.digest == digest,
        "{} bytes, but others: {story:?}",
        came.length
    );

    let read_to_the_end = matches!(story.ending, Ending::Goaway | Ending::HalfClose);
    match story.driver {
        Driver::Fails if read_to_the_end => {
            let status = came.status.as_ref().unwrap_err();
            assert_eq!(status.code(), Code::Aborted, "{story:?}");
            assert_eq!(
                status.message(),
                "RouterStream: aclose: the device caught fire"
            );
            assert!(came.goaway, "{story:?}");
        }
        Driver::Floods | Driver::Fails => {}
        Driver::Gives | Driver::Echo(..) => {
            assert!(came.status.is_ok(), "{:?}: {story:?}", came.status);
            if read_to_the_end {
                assert!(came.goaway, "{story:?}");
                assert_eq!(came.length, source.len(), "{story:?}");
            }
        }
    }
}
