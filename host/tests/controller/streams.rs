//! Status and Listen: for ever, whatever the controller does.

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus::{BeforeLeaseHook, LeaseReady};
use jumpstarter_proto::v1::{ListenResponse, StatusResponse};
use tonic::{Code, Status};

use crate::support::{Answer, Clock, Double, Life, Lines, ROUTER_TOKEN, link};

fn leased(lease: &str) -> StatusResponse {
    StatusResponse {
        leased: true,
        lease_name: Some(lease.to_owned()),
        ..StatusResponse::default()
    }
}

fn invitation(router: &str) -> ListenResponse {
    ListenResponse {
        router_endpoint: router.to_owned(),
        router_token: ROUTER_TOKEN.to_owned(),
    }
}

async fn fail<T>(life: Life<T>) {
    life.send(Err(Status::unavailable("the controller is restarted")))
        .await
        .ok()
        .unwrap();
}

/// Seconds that lines announce until a stream is opened again.
fn announced(lines: &Lines, what: &str) -> Vec<f64> {
    let start = format!("{what} stream interrupted, restarting in ");
    lines
        .with(&start)
        .iter()
        .map(|line| {
            let rest = line.split(&start).nth(1).unwrap();
            rest.split('s').next().unwrap().parse().unwrap()
        })
        .collect()
}

#[tokio::test]
async fn what_the_controller_shows_comes_in_order() {
    let double = Double::start().await;
    let life = double.status_life();
    let mut statuses = link(&double).statuses();
    for lease in ["a", "a", "b"] {
        life.send(Ok(leased(lease))).await.unwrap();
    }
    for lease in ["a", "a", "b"] {
        assert_eq!(statuses.next().await, leased(lease));
    }
}

#[tokio::test]
async fn a_dropped_status_stream_is_back_after_half_a_second_and_a_listen_stream_goes_on() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let (first, second) = (double.status_life(), double.status_life());
    let listening_life = double.listen_life();
    let clock = Clock::stop();
    let link = link(&double);
    let mut statuses = link.statuses();
    let mut listening = link.listen("a");
    first.send(Ok(leased("a"))).await.unwrap();
    assert_eq!(statuses.next().await, leased("a"));
    fail(first).await;
    lines.wait(1, "Status stream interrupted").await;
    let pause = announced(&lines, "Status")[0];
    assert!((0.4..=0.6).contains(&pause), "{pause}");
    clock.forward(1).await;
    double.wait(2, "Status").await;
    second.send(Ok(leased("a"))).await.unwrap();
    assert_eq!(statuses.next().await, leased("a"));
    // The lease has not noticed.
    listening_life
        .send(Ok(invitation("router:1")))
        .await
        .unwrap();
    assert_eq!(listening.next().await.endpoint, "router:1");
    assert_eq!(double.count("Listen a"), 1);
}

#[tokio::test]
async fn a_dropped_listen_stream_is_back_after_half_a_second() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let (first, second) = (double.listen_life(), double.listen_life());
    let clock = Clock::stop();
    let mut listening = link(&double).listen("a");
    first.send(Ok(invitation("router:1"))).await.unwrap();
    assert_eq!(listening.next().await.endpoint, "router:1");
    fail(first).await;
    lines.wait(1, "Listen stream interrupted").await;
    let pause = announced(&lines, "Listen")[0];
    assert!((0.4..=0.6).contains(&pause), "{pause}");
    clock.forward(1).await;
    second.send(Ok(invitation("router:2"))).await.unwrap();
    let second = listening.next().await;
    assert_eq!(second.endpoint, "router:2");
    assert_eq!(second.token.expose(), ROUTER_TOKEN);
    assert_eq!(double.count("Listen a"), 2);
    let line = "Handling new connection request on lease a (router=router:2)";
    assert_eq!(lines.with(line).len(), 1);
}

#[tokio::test]
async fn pauses_grow_without_data_and_shrink_with_it_and_there_is_no_end() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let clock = Clock::stop();
    let link = link(&double);
    let (mut statuses, mut life) = (None, None);
    // As many failures as end an exporter of the reference, and more; then data, a failure, data.
    for (round, failures) in [9, 0, 0, 5].into_iter().enumerate() {
        let (asked, said) = (double.count("Status"), announced(&lines, "Status").len());
        double.next("Status", vec![Answer::No(Code::Unavailable); failures]);
        let next = double.status_life();
        if let Some(life) = life.replace(next.clone()) {
            fail(life).await;
        }
        let statuses = statuses.get_or_insert_with(|| link.statuses());
        while double.count("Status") < asked + failures + 1 {
            clock.forward(1).await;
            std::thread::sleep(Duration::from_millis(5));
        }
        next.send(Ok(leased("a"))).await.unwrap();
        assert_eq!(statuses.next().await, leased("a"));
        lines.wait(round + 1, "Status stream works again").await;
        let announced = announced(&lines, "Status");
        let first = announced[said];
        assert!((0.4..=0.6).contains(&first), "round {round}: {announced:?}");
        if failures > 0 {
            let longest = announced[said..].iter().copied().fold(0.0, f64::max);
            assert!(longest > 0.6, "round {round}: {announced:?}");
        }
    }
}

#[tokio::test]
async fn after_a_gap_the_controller_is_told_again_where_the_exporter_stands() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let first = double.status_life();
    let clock = Clock::stop();
    let link = link(&double);
    let mut statuses = link.statuses();
    link.report(BeforeLeaseHook, "one");
    link.report(LeaseReady, "Ready for commands");
    first.send(Ok(leased("a"))).await.unwrap();
    statuses.next().await;
    double.wait(1, "ReportStatus LEASE_READY").await;

    // It goes, and comes back with another memory.
    let double = double.again().await;
    let second = double.status_life();
    lines.wait(1, "Status stream interrupted").await;
    clock.forward(1).await;
    double.wait(2, "Status").await;
    second.send(Ok(leased("a"))).await.unwrap();
    statuses.next().await;
    double
        .wait(2, "ReportStatus LEASE_READY: Ready for commands")
        .await;
}

#[tokio::test]
async fn a_regular_end_is_followed_by_a_small_pause() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let first = double.status_life();
    let clock = Clock::stop();
    let link = link(&double);
    let mut statuses = link.statuses();
    link.report(LeaseReady, "ready");
    first.send(Ok(leased("a"))).await.unwrap();
    statuses.next().await;
    drop(first);
    lines.wait(1, "Status stream ended, restarting in 0.").await;
    clock.forward(1).await;
    double.wait(2, "Status").await;
    assert!(lines.with("Status stream interrupted").is_empty());
    assert_eq!(
        double.count("ReportStatus"),
        1,
        "the controller has not been away"
    );
}

#[tokio::test]
async fn the_request_to_listen_comes_before_the_report_that_lets_clients_in() {
    for _ in 0..20 {
        let double = Double::start().await;
        let link = link(&double);
        let _listening = link.listen("a");
        link.report(LeaseReady, "Ready for commands");
        double.wait(1, "ReportStatus").await;
        assert_eq!(double.calls()[0], "Listen a");
    }
}

#[tokio::test]
async fn a_dropped_stream_is_closed() {
    let double = Double::start().await;
    let (status, listen) = (double.status_life(), double.listen_life());
    let link = link(&double);
    let (statuses, listening) = (link.statuses(), link.listen("a"));
    double.wait(2, "").await;
    drop((statuses, listening));
    crate::support::really("both streams are closed", async move {
        status.closed().await;
        listen.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_writer() {
    let double = Double::start().await;
    let life = double.status_life();
    let mut statuses = link(&double).statuses();
    let writer = {
        let life = life.clone();
        crate::support::REAL.spawn(async move {
            for number in 0..5_000 {
                // Large enough for the windows of HTTP/2 to fill.
                let mut status = leased(&format!("lease-{number}"));
                status
                    .context
                    .insert("padding".to_owned(), "x".repeat(10_000));
                life.send(Ok(status)).await.unwrap();
            }
        })
    };
    for number in 0..5_000 {
        let status = statuses.next().await;
        assert_eq!(status.lease_name(), format!("lease-{number}"));
    }
    writer.await.unwrap();
}
