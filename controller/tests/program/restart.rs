//! The end of the program, and its next life.

use jumpstarter_proto::v1::{ExporterStatus, ReportStatusRequest, StatusRequest};

use crate::lab::Lab;

#[tokio::test]
async fn a_restart_keeps_leases_and_cuts_streams_so_that_exporters_come_again() {
    let mut lab = Lab::started();
    lab.client("alice");
    let exporter = lab.exporter("board");
    let mut service = exporter.service();
    service.register(crate::lab::device()).await.unwrap();
    let mut status = service.status(StatusRequest {}).await.unwrap().into_inner();
    assert!(!status.message().await.unwrap().unwrap().leased);
    let available = ReportStatusRequest {
        status: ExporterStatus::Available.into(),
        ..ReportStatusRequest::default()
    };
    service.report_status(available).await.unwrap();
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
    assert!(status.message().await.unwrap().unwrap().leased);

    assert!(lab.stop().success());
    // An end without error would be answered by coming again at once, for ever.
    let ended = status.message().await.unwrap_err();
    assert!(
        matches!(
            ended.code(),
            tonic::Code::Unavailable | tonic::Code::Unknown
        ),
        "{ended:?}"
    );
    lab.start();
    assert!(lab.works(&["lease", "get", "mine"]).contains("Active"));
    exporter.renew();
    let again = exporter.service().status(StatusRequest {}).await.unwrap();
    let first = again.into_inner().message().await.unwrap().unwrap();
    assert!(first.leased, "the lease is never taken back in between");
    assert_eq!(first.lease_name.as_deref(), Some("mine"));
}

#[test]
fn two_controllers_do_not_share_a_folder() {
    let mut lab = Lab::started();
    let log = lab.log();
    assert!(log.contains("\"msg\":\"serving\""), "{log}");
    let told = lab.fails(&["run"]);
    assert!(
        told.contains("in use") || told.contains("another controller"),
        "{told}"
    );
    assert!(lab.stop().success());
}

#[test]
fn a_killed_controller_starts_again() {
    let mut lab = Lab::started();
    lab.works(&["client", "create", "alice"]);
    lab.kill();
    assert!(lab.path("data/admin.sock").exists());
    lab.start();
    assert!(lab.works(&["client", "get"]).contains("alice"));
}

impl Lab {
    fn kill(&mut self) {
        let mut child = self.take();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
