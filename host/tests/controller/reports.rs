//! ReportStatus: when, how often, and which.

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus::{Available, BeforeLeaseHook, LeaseReady};
use tonic::Code;

use crate::support::{Answer, Clock, Double, Lines, link};

#[tokio::test]
async fn a_status_is_delivered_with_its_words() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let link = link(&double);
    link.report(LeaseReady, "Ready for commands");
    double
        .wait(1, "ReportStatus LEASE_READY: Ready for commands")
        .await;
    lines.wait(1, "INFO").await;
    assert_eq!(
        lines
            .with("Updated status to LEASE_READY: Ready for commands")
            .len(),
        1
    );
    let seen = &double.seen()[0];
    assert_eq!(seen.headers["jumpstarter-kind"], "Exporter");
    assert_eq!(seen.headers["jumpstarter-namespace"], "lab");
    assert_eq!(seen.headers["jumpstarter-name"], "board-3");
    assert_eq!(
        seen.headers["authorization"],
        format!("Bearer {}", crate::support::TOKEN)
    );
}

#[tokio::test]
async fn the_first_report_can_be_waited_for_whether_or_not_it_is_delivered() {
    for answer in [
        Answer::Yes,
        Answer::No(Code::Unknown),
        Answer::No(Code::Unimplemented),
    ] {
        let double = Double::start().await;
        double.always("ReportStatus", answer);
        let link = link(&double);
        link.report(Available, "here");
        link.reported().await;
        assert_eq!(double.calls(), ["ReportStatus AVAILABLE: here"]);
    }
}

#[tokio::test]
async fn a_controller_that_knows_no_reports_is_told_none_and_warned_about_once() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.always("ReportStatus", Answer::No(Code::Unimplemented));
    let link = link(&double);
    link.report(Available, "one");
    lines.wait(1, "WARN").await;
    link.report(Available, "two");
    // The next call comes after the report, had there been one.
    assert!(link.endpoints().await.is_none());
    assert_eq!(
        double.calls(),
        ["ReportStatus AVAILABLE: one", "GetServiceEndpoints"]
    );
    let warning = "ReportStatus not supported by controller, status updates will be skipped";
    assert_eq!(lines.with(warning).len(), 1);
    assert!(lines.with("ERROR").is_empty());
}

#[tokio::test]
async fn two_failures_are_followed_by_success_after_one_and_two_seconds() {
    let clock = Clock::stop();
    for code in [Code::Unavailable, Code::DeadlineExceeded] {
        let lines = Lines::capture();
        let double = Double::start().await;
        double.next("ReportStatus", [Answer::No(code), Answer::No(code)]);
        let link = link(&double);
        link.report(Available, "here");
        for (failed, pause) in [(1, 1), (2, 2)] {
            lines.wait(failed, "retrying in").await;
            clock.almost(pause).await;
            assert_eq!(double.count("ReportStatus"), failed);
            clock.forward(1).await;
            double.wait(failed + 1, "ReportStatus").await;
        }
        lines.wait(1, "Updated status to AVAILABLE: here").await;
        let warnings = lines.with("WARN");
        assert!(warnings[0].contains("report status (attempt 1/21), retrying in 1.0s"));
        assert!(warnings[1].contains("report status (attempt 2/21), retrying in 2.0s"));
        assert_eq!(warnings.len(), 2);
    }
}

#[tokio::test]
async fn twenty_one_attempts_are_enough() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.always("ReportStatus", Answer::No(Code::Unavailable));
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "here");
    for failed in 1..=20 {
        lines.wait(failed, "retrying in").await;
        let pause = [1, 2, 4, 8, 16].get(failed - 1).copied().unwrap_or(30);
        let text = format!("(attempt {failed}/21), retrying in {pause}.0s: UNAVAILABLE: ");
        assert_eq!(lines.with(&text).len(), 1, "{text}");
        clock.forward(pause).await;
        double.wait(failed + 1, "ReportStatus").await;
    }
    lines.wait(1, "ERROR").await;
    assert_eq!(
        lines.with("Failed to report status: UNAVAILABLE: ").len(),
        1
    );
    assert_eq!(clock.seconds(), 1 + 2 + 4 + 8 + 16 + 15 * 30);
    assert_eq!(double.count("ReportStatus"), 21);
    // It is not the end of all reports.
    double.always("ReportStatus", Answer::Yes);
    link.report(LeaseReady, "there");
    double.wait(1, "ReportStatus LEASE_READY: there").await;
}

#[tokio::test]
async fn other_failures_are_not_tried_again() {
    for code in [
        Code::PermissionDenied,
        Code::Unknown,
        Code::Internal,
        Code::Unauthenticated,
    ] {
        let lines = Lines::capture();
        let double = Double::start().await;
        double.next("ReportStatus", [Answer::No(code)]);
        let link = link(&double);
        link.report(Available, "one");
        lines.wait(1, "ERROR").await;
        assert_eq!(lines.with("Failed to report status: ").len(), 1);
        link.report(Available, "two");
        lines.wait(1, "Updated status").await;
        assert_eq!(
            double.calls(),
            ["ReportStatus AVAILABLE: one", "ReportStatus AVAILABLE: two"]
        );
    }
}

#[tokio::test]
async fn each_attempt_has_thirty_seconds_and_a_connection_without_an_answer_is_given_up() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.next("ReportStatus", [Answer::Never]);
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "here");
    double.wait(1, "ReportStatus").await;
    clock.almost(30).await;
    assert!(lines.with("WARN").is_empty());
    clock.forward(1).await;
    lines.wait(1, "DEADLINE_EXCEEDED: no answer in time").await;
    clock.forward(1).await;
    lines.wait(1, "Updated status to AVAILABLE: here").await;
    let seen = double.seen();
    let deadline: Vec<_> = seen
        .iter()
        .map(|seen| seen.headers["grpc-timeout"].clone())
        .collect();
    assert_eq!(deadline, ["30000000u", "30000000u"]);
    assert_eq!((seen[0].connection, seen[1].connection), (1, 2));
}

#[tokio::test]
async fn reporting_returns_at_once_and_a_newer_status_takes_the_place_of_the_waiting_one() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.next("ReportStatus", [Answer::No(Code::Unavailable)]);
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "one");
    lines.wait(1, "retrying in").await;
    // During the pause, which is not waited for.
    link.report(BeforeLeaseHook, "two");
    link.report(LeaseReady, "three");
    double.wait(1, "ReportStatus LEASE_READY: three").await;
    assert_eq!(clock.seconds(), 0);
    assert_eq!(
        double.calls(),
        [
            "ReportStatus AVAILABLE: one",
            "ReportStatus LEASE_READY: three"
        ]
    );
}

#[tokio::test]
async fn a_newer_status_waits_for_the_answer_to_the_one_under_way() {
    let double = Double::start().await;
    double.next("ReportStatus", [Answer::Never]);
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "one");
    double.wait(1, "ReportStatus").await;
    link.report(BeforeLeaseHook, "two");
    link.report(LeaseReady, "three");
    clock.forward(30).await;
    double.wait(2, "ReportStatus").await;
    assert_eq!(
        clock.seconds(),
        30,
        "what has not been tried is tried at once"
    );
    assert_eq!(
        double.calls(),
        [
            "ReportStatus AVAILABLE: one",
            "ReportStatus LEASE_READY: three"
        ]
    );
}

#[tokio::test]
async fn a_controller_that_is_not_there_gets_the_status_when_it_comes() {
    let mut double = Double::start().await;
    let lines = Lines::capture();
    double.stop().await;
    let clock = Clock::stop();
    let link = link(&double);
    link.report(Available, "here");
    lines
        .wait(1, "UNAVAILABLE: failed connecting to `localhost:")
        .await;
    let double = double.again().await;
    // Connecting needs no time of this clock.
    clock.forward(1).await;
    double.wait(1, "ReportStatus AVAILABLE: here").await;
}

#[tokio::test]
async fn dropping_the_link_ends_its_task() {
    let double = Double::start().await;
    double.always("ReportStatus", Answer::No(Code::Unavailable));
    let lines = Lines::capture();
    let link = link(&double);
    link.report(Available, "here");
    lines.wait(1, "retrying in").await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    assert!(tasks() > 0);
    drop(link);
    while tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
