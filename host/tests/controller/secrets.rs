//! Tokens go to those they are for and nowhere else.

use jumpstarter_client::Secret;
use jumpstarter_host::config::ExporterConfig;
use jumpstarter_host::controller::{Invitation, Link};
use jumpstarter_proto::v1::ExporterStatus::Available;
use jumpstarter_proto::v1::{GetReportResponse, ListenResponse};
use tonic::{Code, Status};

use crate::support::{Answer, Double, Lines, ROUTER_TOKEN, TOKEN, config, link};

#[tokio::test]
async fn no_log_at_any_level_and_no_error_shows_a_token() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let invitations = double.listen_life();
    double.next("Register", [Answer::No(Code::Unauthenticated)]);
    double.next("ReportStatus", [Answer::No(Code::Internal)]);
    double.next("Stream", [Answer::No(Code::Unauthenticated)]);
    let link = link(&double);
    let mut printed = vec![format!("{link:?}")];

    let refused = link
        .register(GetReportResponse::default())
        .await
        .unwrap_err();
    printed.push(format!("{refused} {refused:?}"));
    link.report(Available, "here");
    lines.wait(1, "Failed to report status").await;
    link.release("lease-1", Available).await;

    let mut listening = link.listen("lease-1");
    let response = ListenResponse {
        router_endpoint: double.endpoint(),
        router_token: ROUTER_TOKEN.to_owned(),
    };
    invitations.send(Ok(response)).await.unwrap();
    let invitation = listening.next().await;
    printed.push(format!("{listening:?} {invitation:?}"));
    let error = link.tunnel(&invitation).await.unwrap_err();
    printed.push(format!("{error} {error:?}"));
    invitations
        .send(Err(Status::unavailable("gone")))
        .await
        .unwrap();
    lines.wait(1, "Listen stream interrupted").await;
    let bad = Invitation {
        token: Secret::new(format!("{ROUTER_TOKEN}\n\u{1}")),
        ..invitation
    };
    let error = link.tunnel(&bad).await.unwrap_err();
    printed.push(format!("{error} {error:?}"));

    let unusable = ExporterConfig {
        token: Some(Secret::new(format!("{TOKEN}\u{1}"))),
        ..config(&double)
    };
    let error = Link::new(&unusable).unwrap_err();
    printed.push(format!("{error} {error:?}"));

    // Both have been sent.
    let sent: Vec<_> = double
        .seen()
        .iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert!(sent.contains(&format!("Bearer {TOKEN}")), "{sent:?}");
    assert!(sent.contains(&format!("Bearer {ROUTER_TOKEN}")), "{sent:?}");
    let log = lines.all();
    assert!(log.contains("h2::"), "the frames of HTTP/2 are in the log");
    for text in printed.iter().chain([&log]) {
        for secret in [TOKEN, ROUTER_TOKEN] {
            if let Some(at) = text.find(secret) {
                let start = text[..at].rfind('\n').unwrap_or(0);
                panic!("{secret} is in {}", &text[start..(at + secret.len())]);
            }
        }
    }
}
