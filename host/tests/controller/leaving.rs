//! OFFLINE and Unregister, within ten seconds.

use jumpstarter_proto::v1::ExporterStatus::LeaseReady;
use jumpstarter_proto::v1::GetReportResponse;
use tonic::Code;

use crate::support::{Answer, Clock, Double, Lines, link};

const OFFLINE: &str = "ReportStatus OFFLINE: Exporter shutting down";
const UNREGISTER: &str = "Unregister Exporter shutdown";

#[tokio::test]
async fn the_exporter_is_offline_before_it_is_unregistered() {
    let double = Double::start().await;
    let link = link(&double);
    link.register(GetReportResponse::default()).await.unwrap();
    link.leave().await;
    // What is reported now is not heard.
    link.report(LeaseReady, "no");
    assert!(link.endpoints().await.is_none());
    assert_eq!(
        double.calls()[1..],
        [OFFLINE, UNREGISTER, "GetServiceEndpoints"]
    );
}

#[tokio::test]
async fn who_was_never_registered_says_nothing() {
    let double = Double::start().await;
    let link = link(&double);
    link.leave().await;
    link.register(GetReportResponse::default()).await.unwrap();
    link.leave().await;
    link.leave().await;
    assert_eq!(double.count("Unregister"), 1);
    assert_eq!(double.count("ReportStatus"), 1);
}

#[tokio::test]
async fn a_silent_controller_holds_nobody_up_for_more_than_ten_seconds() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let link = link(&double);
    link.register(GetReportResponse::default()).await.unwrap();
    double.always("ReportStatus", Answer::Never);
    double.always("Unregister", Answer::Never);
    let clock = Clock::stop();
    let time = async {
        double.wait(1, OFFLINE).await;
        clock.forward(5).await;
        double.wait(1, UNREGISTER).await;
        clock.forward(5).await;
    };
    tokio::join!(link.leave(), time);
    assert_eq!(clock.seconds(), 10);
    assert_eq!(
        lines
            .with("Failed to report status OFFLINE: no answer in time")
            .len(),
        1
    );
    assert_eq!(lines.with("Failed to unregister exporter: ").len(), 1);
}

#[tokio::test]
async fn a_pending_report_does_not_come_after_the_last_word() {
    let lines = Lines::capture();
    let double = Double::start().await;
    let link = link(&double);
    link.register(GetReportResponse::default()).await.unwrap();
    double.next("ReportStatus", [Answer::No(Code::Unavailable)]);
    let clock = Clock::stop();
    link.report(LeaseReady, "late");
    lines.wait(1, "retrying in").await;
    link.leave().await;
    clock.forward(60).await;
    assert!(link.endpoints().await.is_none());
    assert_eq!(double.count("ReportStatus LEASE_READY"), 1);
    assert_eq!(
        double.calls()[2..],
        [OFFLINE, UNREGISTER, "GetServiceEndpoints"]
    );
}

#[tokio::test]
async fn a_controller_without_reports_is_only_unregistered_from() {
    let lines = Lines::capture();
    let double = Double::start().await;
    double.always("ReportStatus", Answer::No(Code::Unimplemented));
    let link = link(&double);
    link.register(GetReportResponse::default()).await.unwrap();
    link.report(LeaseReady, "one");
    lines.wait(1, "ReportStatus not supported").await;
    link.leave().await;
    assert_eq!(double.count("ReportStatus"), 1);
    assert_eq!(double.count("Unregister"), 1);
}
