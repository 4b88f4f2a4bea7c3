//! Byte streams between a client and an exporter.

use bytes::Bytes;
use jumpstarter_client::Secret;
use jumpstarter_client::controller::Controller;
use jumpstarter_proto::v1::{
    DialRequest, ExporterStatus, ListenRequest, ReportStatusRequest, StatusRequest,
};

use crate::lab::Lab;

/// Both ends of a stream, and the tokens that opened it.
struct Meeting {
    client: Controller,
    exporter: Controller,
    endpoint: String,
    tokens: [Secret<String>; 2],
}

async fn meet(lab: &Lab) -> Meeting {
    let (client, exporter) = (lab.client("alice"), lab.exporter("board"));
    let mut service = exporter.service();
    service.register(crate::lab::device()).await.unwrap();
    let mut status = service.status(StatusRequest {}).await.unwrap().into_inner();
    let report = |status: ExporterStatus| ReportStatusRequest {
        status: status.into(),
        ..ReportStatusRequest::default()
    };
    service
        .report_status(report(ExporterStatus::Available))
        .await
        .unwrap();
    lab.works(&[
        "lease",
        "create",
        "alice",
        "-l",
        "name=board",
        "-d",
        "1h",
        "--name",
        "mine",
    ]);
    while !status.message().await.unwrap().unwrap().leased {}
    let listen = ListenRequest {
        lease_name: "mine".to_owned(),
    };
    let mut listening = service.listen(listen).await.unwrap().into_inner();
    service
        .report_status(report(ExporterStatus::LeaseReady))
        .await
        .unwrap();
    let dial = DialRequest {
        lease_name: "mine".to_owned(),
    };
    let dialled = client.service().dial(dial).await.unwrap().into_inner();
    let invited = listening.message().await.unwrap().unwrap();
    assert_eq!(invited.router_endpoint, dialled.router_endpoint);
    assert_ne!(invited.router_token, dialled.router_token);
    Meeting {
        client,
        exporter,
        endpoint: dialled.router_endpoint,
        tokens: [dialled.router_token, invited.router_token].map(Secret::new),
    }
}

#[tokio::test]
async fn streams_are_joined_once_and_cut_after_the_lease() {
    let lab = Lab::started();
    let meeting = meet(&lab).await;
    let [mine, theirs] = &meeting.tokens;
    let (mut near, mut near_out) = meeting
        .client
        .router(&meeting.endpoint, mine)
        .await
        .unwrap()
        .split();
    let (mut far, mut far_out) = meeting
        .exporter
        .router(&meeting.endpoint, theirs)
        .await
        .unwrap()
        .split();
    near_out.send(Bytes::from_static(b"ping")).await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "ping");
    far_out.send(Bytes::from_static(b"pong")).await.unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "pong");

    // The tokens are spent.
    for token in &meeting.tokens {
        let mut third = meeting
            .client
            .router(&meeting.endpoint, token)
            .await
            .unwrap();
        let told = third.answered().await.unwrap_err().to_string();
        assert!(told.contains("invalid jwt token"), "{told}");
    }
    let forged = Secret::new(format!("{}x", mine.expose()));
    let mut stranger = meeting
        .client
        .router(&meeting.endpoint, &forged)
        .await
        .unwrap();
    let told = stranger.answered().await.unwrap_err().to_string();
    assert!(told.contains("invalid jwt token"), "{told}");
    // Peers need not know why, but the log does.
    let log = lab.log();
    assert!(log.contains("it has been used before"), "{log}");

    // The exporter never says that it is through with the lease.
    lab.works(&["lease", "release", "mine"]);
    let told = near.next().await.unwrap().unwrap_err().to_string();
    assert!(told.contains("lease has ended"), "{told}");
    far.next().await.unwrap().unwrap_err();
    assert!(
        lab.log().contains("the byte streams of the lease are over"),
        "{}",
        lab.log()
    );
}

#[tokio::test]
async fn an_exporter_whose_connection_broke_comes_again_with_its_token() {
    let lab = Lab::started();
    let meeting = meet(&lab).await;
    let [mine, theirs] = &meeting.tokens;
    // It waits, and nobody has noticed that it is gone.
    let first = meeting
        .exporter
        .router(&meeting.endpoint, theirs)
        .await
        .unwrap();
    let (mut first, _out) = first.split();
    meeting.exporter.renew();
    let second = meeting
        .exporter
        .router(&meeting.endpoint, theirs)
        .await
        .unwrap();
    first.next().await.unwrap().unwrap_err();
    let (mut far, mut far_out) = second.split();
    let near = meeting
        .client
        .router(&meeting.endpoint, mine)
        .await
        .unwrap();
    let (mut near, mut near_out) = near.split();
    near_out.send(Bytes::from_static(b"ping")).await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "ping");
    far_out.send(Bytes::from_static(b"pong")).await.unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "pong");
    // A clean end is one on both sides.
    near_out.finish();
    far_out.finish();
    assert!(far.next().await.is_none());
    assert!(near.next().await.is_none());
}
