//! Streams to clients, through a router.

use bytes::Bytes;
use jumpstarter_client::Secret;
use jumpstarter_host::controller::{Invitation, TunnelError};
use jumpstarter_proto::v1::{FrameType, StreamResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Status};

use crate::support::{Answer, Clock, Double, ROUTER_TOKEN, link, really};

fn invitation(double: &Double) -> Invitation {
    Invitation {
        endpoint: double.endpoint(),
        token: Secret::new(ROUTER_TOKEN.to_owned()),
    }
}

fn frame(payload: &'static str, kind: FrameType) -> Result<StreamResponse, Status> {
    Ok(StreamResponse {
        payload: Bytes::from_static(payload.as_bytes()),
        frame_type: kind.into(),
    })
}

#[tokio::test]
async fn bytes_flow_both_ways_and_each_direction_ends_by_itself() {
    let double = Double::start().await;
    let client = double.router_life();
    let link = link(&double);
    client.send(frame("hello ", FrameType::Data)).await.unwrap();
    let mut tunnel = link.tunnel(&invitation(&double)).await.unwrap();
    drop(link);
    let mut buffer = [0; 6];
    tunnel.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hello ");
    tunnel.write_all(b"board").await.unwrap();
    double.wait(1, "Frame Data board").await;
    tunnel.shutdown().await.unwrap();
    double.wait(1, "Frame Goaway").await;
    client.send(frame("", FrameType::Ping)).await.unwrap();
    client.send(frame("bye", FrameType::Data)).await.unwrap();
    client.send(frame("", FrameType::Goaway)).await.unwrap();
    let mut rest = String::new();
    tunnel.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "bye");
    let seen = &double.seen()[0];
    assert_eq!(seen.what, "Stream");
    assert_eq!(
        seen.headers["authorization"],
        format!("Bearer {ROUTER_TOKEN}")
    );
    for absent in [
        "request",
        "jumpstarter-kind",
        "jumpstarter-name",
        "jumpstarter-namespace",
    ] {
        assert!(!seen.headers.contains_key(absent), "{absent}");
    }
}

#[tokio::test]
async fn a_router_that_waits_for_the_client_does_not_hold_us_up() {
    let double = Double::start().await;
    let clock = Clock::stop();
    let link = link(&double);
    let invitation = invitation(&double);
    let time = async {
        double.wait(1, "Stream").await;
        clock.forward(1).await;
    };
    let (tunnel, ()) = tokio::join!(link.tunnel(&invitation), time);
    // Nobody has answered, and what we say is on its way all the same.
    let mut tunnel = tunnel.unwrap();
    tunnel.write_all(b"settings").await.unwrap();
    drop(tunnel);
}

#[tokio::test]
async fn what_we_say_reaches_a_client_that_waits_for_it() {
    let double = Double::start().await;
    let client = double.router_life();
    let clock = Clock::stop();
    let link = link(&double);
    let invitation = invitation(&double);
    let time = async {
        double.wait(1, "Stream").await;
        clock.forward(1).await;
    };
    let (tunnel, ()) = tokio::join!(link.tunnel(&invitation), time);
    let mut tunnel = tunnel.unwrap();
    tunnel.write_all(b"settings").await.unwrap();
    double.wait(1, "Frame Data settings").await;
    client.send(frame("thanks", FrameType::Data)).await.unwrap();
    let mut buffer = [0; 6];
    tunnel.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"thanks");
}

#[tokio::test]
async fn a_token_that_the_router_does_not_like_is_an_error() {
    let double = Double::start().await;
    double.always("Stream", Answer::No(Code::Unauthenticated));
    let error = link(&double)
        .tunnel(&invitation(&double))
        .await
        .unwrap_err();
    assert!(matches!(error, TunnelError::Refused { .. }));
    let text = error.to_string();
    assert!(
        text.contains("the stream broke: as the test wants"),
        "{text}"
    );
    assert!(text.contains(&double.endpoint()), "{text}");
}

#[tokio::test]
async fn a_router_that_is_not_there_is_an_error() {
    let (controller, mut router) = (Double::start().await, Double::start().await);
    router.stop().await;
    let error = link(&controller)
        .tunnel(&invitation(&router))
        .await
        .unwrap_err();
    assert!(matches!(error, TunnelError::Unreachable(_)));
    let text = error.to_string();
    assert!(
        text.starts_with("UNAVAILABLE: failed connecting to `localhost:"),
        "{text}"
    );
    let nowhere = Invitation {
        endpoint: "http://router".to_owned(),
        token: Secret::new(ROUTER_TOKEN.to_owned()),
    };
    let text = link(&controller)
        .tunnel(&nowhere)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("INVALID_ARGUMENT: failed parsing `http://router`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_tunnel_that_is_cut_is_no_regular_end() {
    let double = Double::start().await;
    let client = double.router_life();
    client.send(frame("half", FrameType::Data)).await.unwrap();
    let mut tunnel = link(&double).tunnel(&invitation(&double)).await.unwrap();
    let mut buffer = [0; 4];
    tunnel.read_exact(&mut buffer).await.unwrap();
    double.cut();
    let error = tunnel.read(&mut buffer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_dropped_tunnel_is_given_up_and_not_ended() {
    let double = Double::start().await;
    let client = double.router_life();
    client.send(frame("hello", FrameType::Data)).await.unwrap();
    let tunnel = link(&double).tunnel(&invitation(&double)).await.unwrap();
    drop(tunnel);
    really("the router knows", async move { client.closed().await }).await;
    double.wait(1, "Frame broken").await;
    assert_eq!(double.count("Frame Goaway"), 0);
}

#[tokio::test]
async fn tunnels_and_streams_leave_no_tasks_and_no_descriptors_behind() {
    let double = Double::start().await;
    let link = link(&double);
    // One connection of the link itself.
    assert!(link.endpoints().await.is_none());
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let mut clients = Vec::new();
    for round in 0..50 {
        let client = double.router_life();
        client.send(frame("hello", FrameType::Data)).await.unwrap();
        let tunnel = link.tunnel(&invitation(&double)).await.unwrap();
        let (_statuses, _listening) = (link.statuses(), link.listen("a"));
        double.wait(round + 1, "Listen").await;
        drop(tunnel);
        clients.push(client);
    }
    // The other side sees every connection end.
    double.wait(50, "Frame broken").await;
    while tasks() > before {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    really("only the link is connected", async move {
        while double.open() > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    })
    .await;
}
