//! What exporters tell of themselves becomes lines of the log.

use jumpstarter_proto::v1::{
    AuditStreamRequest, GetServiceEndpointsRequest, LogEntry, PushLogsRequest, PushLogsResponse,
};
use tonic::Code;

use crate::lab::Lab;
use crate::methods::{PUSH_LOGS, call};
use crate::people::bearer;

#[tokio::test]
async fn exporters_tell_what_happens() {
    let lab = Lab::started_with("telemetry: {enabled: true}\n");
    let board = lab.exporter("board");
    let mut service = board.service();
    let endpoints = service
        .get_service_endpoints(GetServiceEndpointsRequest {})
        .await
        .unwrap()
        .into_inner();
    let [endpoint] = &endpoints.telemetry_endpoints[..] else {
        panic!("{endpoints:?}")
    };
    assert_eq!(endpoint.min_severity, "info");
    assert!(endpoint.endpoint.starts_with("127.0.0.1:"), "{endpoint:?}");
    let entry = |message: &str| AuditStreamRequest {
        driver_instance_uuid: "some-driver".to_owned(),
        severity: "info".to_owned(),
        message: message.to_owned(),
        ..Default::default()
    };
    let entries = tokio_stream::iter([entry("relay closed"), entry("relay open")]);
    service.audit_stream(entries).await.unwrap();
    let log = lab.log();
    assert!(
        log.contains("relay closed") && log.contains("\"driver\":\"some-driver\""),
        "{log}"
    );

    let entry = |exporter: &str, message: &str| LogEntry {
        exporter: exporter.to_owned(),
        message: message.to_owned(),
        severity: "info".to_owned(),
        ..Default::default()
    };
    let entries = vec![
        entry("", "flashing"),
        entry("board", "flashed"),
        entry("other", "forged"),
    ];
    let pushed = call(PUSH_LOGS, &PushLogsRequest { entries });
    let line = lab.line().await;
    let plain = lab.plain_line(lab.ports.telemetry).await;
    let token = lab.known("Exporter", "board").token;
    for line in [&line, &plain] {
        let counts: PushLogsResponse = line.get(&bearer(&token), &pushed).await;
        assert_eq!((counts.accepted, counts.dropped), (2, 1));
    }
    let log = lab.log();
    assert!(log.contains("flashed") && !log.contains("forged"), "{log}");
    // Nobody else may.
    let alice = lab.who("Client", "alice");
    for (token, code, text) in [
        (
            alice.token.as_str(),
            Code::PermissionDenied,
            "token is not an exporter token",
        ),
        (
            "x.y.z",
            Code::Unauthenticated,
            "invalid token: failed to authenticate token",
        ),
    ] {
        for line in [&line, &plain] {
            let refused = line.refusal(&bearer(token), &pushed).await;
            assert_eq!(refused, (code, text.to_owned()));
        }
    }
}
