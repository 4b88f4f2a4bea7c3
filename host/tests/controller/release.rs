//! ReleaseLease, and what to do with controllers that do not let exporters call it.

use jumpstarter_host::controller::Link;
use jumpstarter_proto::v1::ExporterStatus::{
    self, AfterLeaseHookFailed, Available, BeforeLeaseHookFailed,
};
use jumpstarter_proto::v1::StatusResponse;
use tonic::{Code, Status};

use crate::support::{Answer, Clock, Double, Lines, link};

const COMPATIBLE: &str = "Lease released (compat: ReportStatus with release_lease)";

/// As the exporter does it: a release, then the news that it is available.
async fn release(link: &Link, lease: &str, current: ExporterStatus) {
    link.release(lease, current).await;
    link.report(Available, "Exporter available after lease release");
}

#[tokio::test]
async fn a_lease_is_released_once_before_the_exporter_is_available() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let link = link(&double);
    release(&link, "lease-1", Available).await;
    double.wait(1, "ReportStatus").await;
    assert_eq!(
        double.calls(),
        [
            "ReleaseLease lease-1",
            "ReportStatus AVAILABLE: Exporter available after lease release",
        ]
    );
    assert_eq!(double.seen()[0].headers["grpc-timeout"], "30000000u");
    assert_eq!(
        lines
            .with("Released lease lease-1 via ReleaseLease RPC")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_release_that_finds_nobody_is_tried_again() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.next("ReleaseLease", [Answer::No(Code::Unavailable)]);
    let clock = Clock::stop();
    let link = link(&double);
    let both = async {
        lines
            .wait(
                1,
                "Transient error release lease (attempt 1/21), retrying in 1.0s",
            )
            .await;
        clock.forward(1).await;
    };
    tokio::join!(release(&link, "lease-1", Available), both);
    double.wait(1, "ReportStatus").await;
    assert_eq!(double.count("ReleaseLease lease-1"), 2);
}

#[tokio::test]
async fn a_release_that_never_succeeds_ends_after_twenty_one_attempts_and_the_exporter_goes_on() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.always("ReleaseLease", Answer::No(Code::Unavailable));
    let clock = Clock::stop();
    let link = link(&double);
    let time = async {
        for failed in 1..=20 {
            lines.wait(failed, "retrying in").await;
            clock.forward(30).await;
        }
    };
    tokio::join!(release(&link, "lease-1", Available), time);
    double
        .wait(1, "ReportStatus AVAILABLE: Exporter available")
        .await;
    assert_eq!(double.count("ReleaseLease"), 21);
    assert_eq!(
        lines
            .with("Failed to release lease lease-1: UNAVAILABLE")
            .len(),
        1
    );
    assert_eq!(
        double.count("ReportStatus"),
        1,
        "there is no other way to say it"
    );
    // It says nothing about what the controller can do.
    double.always("ReleaseLease", Answer::Yes);
    release(&link, "lease-2", Available).await;
    assert_eq!(double.count("ReleaseLease lease-2"), 1);
}

#[tokio::test]
async fn a_controller_that_comes_back_late_is_told_before_the_exporter_is_available() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let first = double.status_life();
    let clock = Clock::stop();
    let link = link(&double);
    let mut statuses = link.statuses();
    let status = StatusResponse::default();
    first.send(Ok(status.clone())).await.unwrap();
    statuses.next().await;
    double.always("ReleaseLease", Answer::No(Code::Unavailable));
    let time = async {
        for failed in 1..=20 {
            lines.wait(failed, "Transient error release lease").await;
            clock.forward(30).await;
        }
    };
    tokio::join!(release(&link, "lease-1", Available), time);
    double.wait(1, "ReportStatus").await;
    assert_eq!(
        double.count("ReleaseLease"),
        21,
        "a report is no reason to try again"
    );

    double.always("ReleaseLease", Answer::Yes);
    let second = double.status_life();
    first
        .send(Err(Status::unavailable("restarted")))
        .await
        .unwrap();
    lines.wait(1, "Status stream interrupted").await;
    clock.forward(1).await;
    second.send(Ok(status)).await.unwrap();
    statuses.next().await;
    double.wait(2, "ReportStatus").await;
    let calls = double.calls();
    let available = "ReportStatus AVAILABLE: Exporter available after lease release";
    assert_eq!(
        calls[calls.len() - 2..],
        ["ReleaseLease lease-1", available]
    );
}

#[tokio::test]
async fn a_controller_without_release_is_asked_by_report_and_remembered() {
    let lacking = [
        Code::PermissionDenied,
        Code::Unimplemented,
        Code::InvalidArgument,
        Code::Unauthenticated,
    ];
    for code in lacking {
        let double = Double::start().await;
        double.always("ReleaseLease", Answer::No(code));
        let link = link(&double);
        release(&link, "lease-1", Available).await;
        double.wait(2, "ReportStatus").await;
        release(&link, "lease-2", Available).await;
        double.wait(4, "ReportStatus").await;
        let asked = format!("ReportStatus AFTER_LEASE_HOOK: {COMPATIBLE} release_lease=true");
        let available = "ReportStatus AVAILABLE: Exporter available after lease release";
        assert_eq!(
            double.calls(),
            ["ReleaseLease lease-1", &asked, available, &asked, available],
            "{code:?}"
        );
    }
}

#[tokio::test]
async fn a_failed_hook_is_still_to_be_seen_in_the_report_that_releases() {
    for (failed, name) in [
        (BeforeLeaseHookFailed, "BEFORE_LEASE_HOOK_FAILED"),
        (AfterLeaseHookFailed, "AFTER_LEASE_HOOK_FAILED"),
    ] {
        let double = Double::start().await;
        double.always("ReleaseLease", Answer::No(Code::Unimplemented));
        let link = link(&double);
        release(&link, "lease-1", failed).await;
        double.wait(2, "ReportStatus").await;
        let calls = double.calls();
        assert_eq!(
            calls[1],
            format!("ReportStatus {name}: {COMPATIBLE} release_lease=true")
        );
        assert!(calls[2].starts_with("ReportStatus AVAILABLE"), "{calls:?}");
    }
}

#[tokio::test]
async fn other_answers_are_warned_about_and_not_remembered() {
    for code in [Code::NotFound, Code::FailedPrecondition, Code::Unknown] {
        let lines = Lines::capture();
        let double = Double::start().await;
        double.next("ReleaseLease", [Answer::No(code)]);
        let link = link(&double);
        release(&link, "lease-1", Available).await;
        release(&link, "lease-2", Available).await;
        assert_eq!(lines.with("Failed to release lease lease-1: ").len(), 1);
        assert_eq!(double.count("ReleaseLease lease-2"), 1);
    }
}

#[tokio::test]
async fn what_waits_to_be_reported_does_not_overtake_the_report_that_releases() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.always("ReleaseLease", Answer::No(Code::Unimplemented));
    double.next("ReportStatus", [Answer::No(Code::Unavailable)]);
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "Available for new lease");
    lines.wait(1, "retrying in").await;
    release(&link, "lease-1", Available).await;
    clock.forward(60).await;
    double.wait(3, "ReportStatus").await;
    let reports: Vec<_> = double
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("ReportStatus"))
        .collect();
    assert_eq!(
        reports,
        [
            "ReportStatus AVAILABLE: Available for new lease",
            &format!("ReportStatus AFTER_LEASE_HOOK: {COMPATIBLE} release_lease=true"),
            "ReportStatus AVAILABLE: Exporter available after lease release",
        ]
    );
}

#[tokio::test]
async fn a_lease_without_a_name_is_not_released() {
    let double = Double::start().await;
    let link = link(&double);
    link.release("", Available).await;
    assert!(link.endpoints().await.is_none());
    assert_eq!(double.calls(), ["GetServiceEndpoints"]);
}
