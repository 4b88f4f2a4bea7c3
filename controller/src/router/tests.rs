#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::pairs::MOST_OF_LEASE;
use super::*;
use crate::model::Key;

type Sent = Result<Frame<Bytes>, &'static str>;
type Request = StreamBody<ReceiverStream<Sent>>;

/// One side of a stream: what it sends, and what it receives.
struct Peer {
    sends: Option<mpsc::Sender<Sent>>,
    gets: Relay<Request>,
}

fn ticket(stream: u128) -> Ticket {
    Ticket {
        stream: Uuid::from_u128(stream),
        client: None,
        lease: None,
        patience: Duration::from_secs(3600),
        cut: Cut::default(),
        traffic: Arc::default(),
    }
}

fn join(pairs: &Pairs<Request>, ticket: Ticket) -> Peer {
    let (sends, body) = mpsc::channel(4);
    let body = StreamBody::new(ReceiverStream::new(body));
    Peer {
        sends: Some(sends),
        gets: pairs.join(ticket, body).unwrap(),
    }
}

// === impl Peer ===

impl Peer {
    async fn say(&self, text: &str) {
        let frame = Frame::data(Bytes::copy_from_slice(text.as_bytes()));
        self.sends.as_ref().unwrap().send(Ok(frame)).await.unwrap();
    }

    fn finish(&mut self) {
        self.sends.take();
    }

    async fn break_off(&mut self) {
        let sends = self.sends.take().unwrap();
        sends.send(Err("reset")).await.unwrap();
    }

    /// What is received next: text, or how the stream ended.
    async fn hear(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.gets.frame());
        let frame = next.await.unwrap().unwrap().unwrap();
        match frame.into_data() {
            Ok(data) => String::from_utf8(data.to_vec()).unwrap(),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap();
                let word = |name: &str| match trailers.get(name) {
                    Some(value) => value.to_str().unwrap().replace("%20", " "),
                    None => String::new(),
                };
                format!("{} {}", word("grpc-status"), word("grpc-message"))
            }
        }
    }

    /// Whether nothing is received for now.
    async fn is_quiet(&mut self) -> bool {
        let soon = tokio::time::timeout(Duration::from_millis(20), self.gets.frame());
        soon.await.is_err()
    }
}

#[tokio::test]
async fn two_with_the_same_ticket_meet() {
    let pairs = Pairs::default();
    let traffic = Arc::new(Traffic::default());
    let counted = || Ticket {
        traffic: Arc::clone(&traffic),
        ..ticket(1)
    };
    let mut first = join(&pairs, counted());
    // What is said before the other comes, waits.
    first.say("hello").await;
    assert!(first.is_quiet().await);
    assert_eq!((pairs.waiting(), pairs.joined()), (1, 0));
    let mut second = join(&pairs, counted());
    assert_eq!((pairs.waiting(), pairs.joined()), (0, 1));
    assert_eq!(second.hear().await, "hello");
    second.say("you").await;
    assert_eq!(first.hear().await, "you");
    assert_eq!(traffic.bytes(), 8);
    drop((first, second));
    assert_eq!((pairs.waiting(), pairs.joined()), (0, 0));
}

#[tokio::test]
async fn a_third_waits_for_a_fourth() {
    let pairs = Pairs::default();
    let (first, mut second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
    let mut third = join(&pairs, ticket(1));
    first.say("a").await;
    assert_eq!(second.hear().await, "a");
    assert!(third.is_quiet().await);
    let mut fourth = join(&pairs, ticket(1));
    third.say("b").await;
    assert_eq!(fourth.hear().await, "b");
}

#[tokio::test]
async fn a_side_that_says_no_more_still_hears() {
    let pairs = Pairs::default();
    let (mut first, mut second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
    first.say("last").await;
    first.finish();
    assert_eq!(second.hear().await, "last");
    assert!(second.is_quiet().await, "the call goes on");
    second.say("still here").await;
    assert_eq!(first.hear().await, "still here");
    second.finish();
    assert_eq!(first.hear().await, "0 ");
    assert_eq!(second.hear().await, "0 ");
}

#[tokio::test]
async fn a_side_that_breaks_off_takes_the_other_with_it() {
    let pairs = Pairs::default();
    let (mut first, mut second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
    first.say("a").await;
    first.break_off().await;
    assert_eq!(second.hear().await, "a");
    assert_eq!(second.hear().await, "14 peer disconnected");
    assert_eq!(first.hear().await, "14 peer disconnected");
}

#[tokio::test]
async fn a_side_that_goes_away_takes_the_other_with_it() {
    let pairs = Pairs::default();
    for finished in [false, true] {
        let (first, mut second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
        let Peer { sends, gets } = first;
        if finished {
            second.finish();
            drop(sends);
            drop(gets);
        } else {
            drop(gets);
        }
        assert_eq!(second.hear().await, "14 peer disconnected");
    }
}

#[tokio::test]
async fn whoever_goes_away_alone_leaves_nothing() {
    let pairs = Pairs::default();
    let first = join(&pairs, ticket(1));
    drop(first);
    assert_eq!(pairs.waiting(), 0);
    let mut second = join(&pairs, ticket(1));
    assert!(second.is_quiet().await, "there is nobody to meet");
    assert_eq!(pairs.waiting(), 1);
}

#[tokio::test]
async fn the_end_of_a_lease_cuts_its_streams() {
    let pairs = Pairs::default();
    let cut = Cut::default();
    let of_lease = |stream| Ticket {
        cut: cut.clone(),
        ..ticket(stream)
    };
    let (mut first, mut second) = (join(&pairs, of_lease(1)), join(&pairs, of_lease(1)));
    let mut alone = join(&pairs, of_lease(2));
    let other = join(&pairs, ticket(3));
    let mut another = join(&pairs, ticket(3));
    first.say("a").await;
    assert_eq!(second.hear().await, "a");
    cut.end("lease has ended");
    cut.end("something else");
    for peer in [&mut first, &mut second, &mut alone] {
        assert_eq!(peer.hear().await, "14 lease has ended");
    }
    other.say("b").await;
    assert_eq!(another.hear().await, "b");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_nobody_does_not_wait_for_ever() {
    let pairs = Pairs::default();
    let patient = |patience| Ticket {
        patience: Duration::from_secs(patience),
        ..ticket(1)
    };
    let mut first = join(&pairs, patient(10));
    assert!(first.is_quiet().await);
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(first.is_quiet().await);
    assert_eq!(first.hear().await, "14 the other side did not come");
    assert_eq!(pairs.waiting(), 0);
    // Once they have met there is no hurry.
    let (first, mut second) = (join(&pairs, patient(10)), join(&pairs, patient(10)));
    tokio::time::advance(Duration::from_secs(100)).await;
    first.say("hello").await;
    assert_eq!(second.hear().await, "hello");
}

#[tokio::test]
async fn a_side_that_does_not_listen_stops_the_other() {
    let pairs = Pairs::default();
    let (first, second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
    let more = async {
        loop {
            first.say("more").await;
        }
    };
    // The channel of this test holds four, and the router nothing.
    let stopped = tokio::time::timeout(Duration::from_millis(50), more).await;
    assert!(stopped.is_err());
    assert_eq!(first.sends.as_ref().unwrap().capacity(), 0);
    drop(second);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Everything arrives once and in order, however the two sides take turns.
    #[test]
    fn what_is_said_is_heard(turns in proptest::collection::vec((any::<bool>(), "[a-z]{1,8}"), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pairs = Pairs::default();
            let (mut first, mut second) = (join(&pairs, ticket(1)), join(&pairs, ticket(1)));
            for (whose, text) in turns {
                let (speaker, hearer) = match whose {
                    true => (&first, &mut second),
                    false => (&second, &mut first),
                };
                speaker.say(&text).await;
                assert_eq!(hearer.hear().await, text);
            }
            first.finish();
            second.finish();
            // A direction ends when its end has been passed on, so both have to listen.
            let ends = tokio::join!(first.hear(), second.hear());
            assert_eq!(ends, ("0 ".to_owned(), "0 ".to_owned()));
        });
    }
}

#[tokio::test]
async fn one_lease_does_not_take_the_places_of_others() {
    let pairs = Pairs::default();
    let of = |lease: &str, stream| Ticket {
        lease: Some(Key::new("lab", lease)),
        ..ticket(stream)
    };
    let mut crowd: Vec<_> = (0..MOST_OF_LEASE as u128)
        .map(|stream| join(&pairs, of("greedy", stream)))
        .collect();
    let (_sends, body) = mpsc::channel(4);
    let body = StreamBody::new(ReceiverStream::new(body));
    let refused = pairs.join(of("greedy", 10_000), body).unwrap_err();
    assert_eq!(refused, JoinError::Crowded);
    // Others come, and those that wait are met.
    let _other = join(&pairs, of("modest", 20_000));
    let _met = join(&pairs, of("greedy", 0));
    assert_eq!(pairs.joined(), 1);
    // What went away leaves its place to the next, once each.
    crowd.truncate(MOST_OF_LEASE - 1);
    crowd.extend([0, 1].map(|stream| join(&pairs, of("greedy", 30_000 + stream))));
    let (_sends, body) = mpsc::channel(4);
    let body = StreamBody::new(ReceiverStream::new(body));
    assert!(pairs.join(of("greedy", 40_000), body).is_err());
}
