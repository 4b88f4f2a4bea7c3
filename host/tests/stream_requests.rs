//! Asking for a byte stream: who gets one, and what the others hear.

#![allow(clippy::unwrap_used)]

mod session_support;
mod stream_support;

use jumpstarter_proto::v1::exporter_service_server::SERVICE_NAME as EXPORTER;
use jumpstarter_proto::v1::router_service_server::SERVICE_NAME as ROUTER;
use session_support::{Exporter, uuid_of};
use stream_support::{Bench, ROTTEN, Talk, driver, router};
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn requests_that_reach_no_driver() {
    let bench = Bench::new().await;
    let stranger = "a1b2c3d4-0000-4000-8000-0123456789ab";
    let resource = |uuid: &str| format!(r#"{{"kind":"resource","uuid":"{uuid}"}}"#);
    let invalid = |text: &str| (Code::InvalidArgument, text.to_owned());
    let garbage = |text: &str| {
        invalid(&format!(
            "the metadata `request` is no request for a stream: {text}"
        ))
    };
    let unknown = (
        Code::Unknown,
        format!("Unexpected <class 'KeyError'>: UUID('{stranger}')"),
    );
    let not_found = |text: &str| (Code::NotFound, text.to_owned());
    for (request, (code, text)) in [
        (String::new(), garbage("EOF while parsing")),
        ("{".into(), garbage("EOF while parsing")),
        ("what?".into(), garbage("expected value")),
        ("[1,2]".into(), garbage("invalid type")),
        (r#"{"kind":"pigeon"}"#.into(), garbage("unknown variant")),
        (r#"{"kind":"driver"}"#.into(), garbage("missing field")),
        (
            driver("power", "on"),
            invalid("the metadata `request` has the uuid `power`, which is none"),
        ),
        (
            resource("power"),
            invalid("the metadata `request` has the uuid `power`, which is none"),
        ),
        (driver(stranger, "echo"), unknown.clone()),
        (resource(stranger), unknown),
        (
            driver(&bench.abi, "fly"),
            not_found("method fly not found on driver"),
        ),
        (
            driver(&bench.abi, ""),
            not_found("method  not found on driver"),
        ),
        (
            driver(&bench.abi, "go"),
            not_found("method go missing marker marker_streamcall"),
        ),
        (
            driver(&bench.abi, "items"),
            not_found("method items missing marker marker_streamcall"),
        ),
        // It is there, and fails before it is open.
        (
            driver(&bench.abi, "bytes"),
            (Code::Unimplemented, "no bytes here".to_owned()),
        ),
    ] {
        let Err(status) = Talk::open(&bench.router, &request).await else {
            panic!("{request} was accepted");
        };
        assert_eq!(status.code(), code, "{request}: {status:?}");
        assert!(status.message().starts_with(&text), "{request}: {status:?}");
    }

    // What stands in it besides does not matter, nor how the uuid is spelled.
    let spelled = format!(
        r#"{{"x": null, "method": "echo", "uuid": "{{{}}}", "kind": "driver"}}"#,
        bench.abi.to_uppercase()
    );
    Talk::open(&bench.router, &spelled).await.unwrap();
}

#[tokio::test]
async fn metadata_that_is_missing_or_no_text() {
    let bench = Bench::new().await;
    let missing = Talk::open_with(&bench.router, |_| ()).await.err().unwrap();
    assert_eq!(missing.code(), Code::InvalidArgument);
    assert!(missing.message().contains("`request` is missing"));

    let twice = Talk::open_with(&bench.router, |metadata| {
        metadata.append("request", "garbage".parse().unwrap());
        let request = driver(&bench.abi, "echo");
        metadata.append("request", request.parse().unwrap());
    });
    assert!(twice.await.is_ok(), "the last one counts");
}

#[tokio::test]
async fn the_answer_comes_before_the_first_frame() {
    let bench = Bench::new().await;
    // Neither side says anything, and yet the call is open.
    let talk = bench.abi("ignores").await;
    assert!(talk.metadata.get("resource").is_none());
    assert_eq!(
        talk.metadata.get("content-type").unwrap(),
        "application/grpc"
    );
}

#[tokio::test]
async fn a_stream_of_data_has_a_handle() {
    let bench = Bench::new().await;
    let request = format!(r#"{{"kind":"resource","uuid":"{}"}}"#, bench.power);
    let talk = Talk::open(&bench.router, &request).await.unwrap();
    let handle: serde_json::Value =
        serde_json::from_str(talk.metadata.get("resource").unwrap().to_str().unwrap()).unwrap();
    assert_eq!(handle["kind"], "client_stream");
    assert_eq!(handle["x_jmp_content_encoding"], serde_json::Value::Null);
    assert_eq!(handle["uuid"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn a_passphrase_is_asked_for() {
    let exporter = Exporter::run(ROTTEN, &["--passphrase", "open sesame"]);
    let mut client = session_support::unix_client(&exporter.socket()).await;
    let request = driver(&uuid_of(&mut client, "abi").await, "echo");
    let stranger = router(&exporter).await;
    let refused = Talk::open(&stranger, &request).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "invalid or missing passphrase");
    let friend = Talk::open_with(&stranger, |metadata| {
        metadata.insert("request", request.parse().unwrap());
        let passphrase = "open sesame".parse().unwrap();
        metadata.insert("x-jumpstarter-passphrase", passphrase);
    });
    let mut friend = friend.await.unwrap();
    friend.data("hello").await;
    assert_eq!(friend.chunk().await, "hello");
}

// Waiting for a line blocks a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_logged() {
    let bench = Bench::new().await;
    let lines = &bench.exporter.stderr;
    let mut talk = bench.abi("echo").await;
    lines.wait_for("Operation started");
    talk.goaway().await;
    assert!(talk.rest().await.status.is_ok());
    lines.wait_for("Operation completed");
    let mut talk = bench.abi("fails").await;
    talk.data("x").await;
    talk.rest().await.status.unwrap_err();
    let failed = lines.wait_for("Operation failed");
    assert!(failed.contains("the device caught fire"), "{failed}");
    // A client that lets go of both halves may well say goodbye before it resets, and a driver that
    // answers that would have completed.
    drop(bench.abi("ignores").await);
    lines.wait_for("Operation cancelled by the client");
    assert!(
        Talk::open(&bench.router, &driver(&bench.abi, "bytes"))
            .await
            .is_err()
    );
    lines.wait_for("no bytes here");
}

#[tokio::test]
async fn the_service_says_that_it_is_well() {
    let bench = Bench::new().await;
    let address = format!("http://{}", bench.exporter.address());
    let channel = Endpoint::from_shared(address).unwrap().connect().await;
    let mut health = HealthClient::new(channel.unwrap());
    for service in ["", EXPORTER, ROUTER] {
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
}
