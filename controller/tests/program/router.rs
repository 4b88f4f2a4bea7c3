//! Byte streams between a client and an exporter.

use bytes::Bytes;
use jumpstarter_client::Secret;

use crate::lab::Lab;
use crate::meeting::Meeting;

#[tokio::test]
async fn streams_are_joined_once_and_cut_after_the_lease() {
    let lab = Lab::started();
    let mut meeting = Meeting::new(&lab).await;
    let tokens = meeting.dial().await;
    let (mine, theirs) = (&tokens.client, &tokens.exporter);
    let (mut near, mut near_out) = meeting
        .client
        .router(&tokens.endpoint, mine)
        .await
        .unwrap()
        .split();
    let (mut far, mut far_out) = meeting
        .exporter
        .router(&tokens.endpoint, theirs)
        .await
        .unwrap()
        .split();
    near_out.send(Bytes::from_static(b"ping")).await.unwrap();
    assert_eq!(far.next().await.unwrap().unwrap(), "ping");
    far_out.send(Bytes::from_static(b"pong")).await.unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), "pong");

    // The tokens are spent.
    for token in [mine, theirs] {
        let mut third = meeting
            .client
            .router(&tokens.endpoint, token)
            .await
            .unwrap();
        let told = third.answered().await.unwrap_err().to_string();
        assert!(told.contains("invalid jwt token"), "{told}");
    }
    let forged = Secret::new(format!("{}x", mine.expose()));
    let mut stranger = meeting
        .client
        .router(&tokens.endpoint, &forged)
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
    let mut meeting = Meeting::new(&lab).await;
    let tokens = meeting.dial().await;
    let (mine, theirs) = (&tokens.client, &tokens.exporter);
    // It waits, and nobody has noticed that it is gone.
    let first = meeting
        .exporter
        .router(&tokens.endpoint, theirs)
        .await
        .unwrap();
    let (mut first, _out) = first.split();
    meeting.exporter.renew();
    let second = meeting
        .exporter
        .router(&tokens.endpoint, theirs)
        .await
        .unwrap();
    first.next().await.unwrap().unwrap_err();
    let (mut far, mut far_out) = second.split();
    let near = meeting.client.router(&tokens.endpoint, mine).await.unwrap();
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
