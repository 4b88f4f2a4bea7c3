//! Who gets in: plaintext, TLS, passphrase, the unix socket, and what is behind each door.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use jumpstarter_proto::v1::{ExporterStatus, GetStatusRequest};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use session_support::{Client, Exporter, POWER, call, streaming_call, unix_client, uuid_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

const SECRET: &str = "correct horse";

fn with_passphrase<T>(message: T, passphrase: Option<&'static str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(passphrase) = passphrase {
        request.metadata_mut().insert(
            "x-jumpstarter-passphrase",
            MetadataValue::from_static(passphrase),
        );
    }
    request
}

/// An exporter with a certificate for `localhost`, and what its clients must trust.
fn tls_exporter(args: &[&str]) -> (Exporter, RootCertStore) {
    let pair = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let folder = tempfile::tempdir().unwrap().keep();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let mut all = vec![
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    all.extend(args);
    let exporter = Exporter::run(POWER, &all);
    // Read once, at the start.
    std::fs::remove_dir_all(&folder).unwrap();
    (exporter, roots)
}

async fn tls_client(exporter: &Exporter, roots: RootCertStore, alpn: &[&[u8]]) -> Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let connector = TlsConnector::from(Arc::new(config));
    let address = exporter.address();
    let connect = tower::service_fn(move |_: Uri| {
        let (connector, address) = (connector.clone(), address.clone());
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            connector.connect(name, stream).await.map(TokioIo::new)
        }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect);
    Client::new(channel)
}

#[tokio::test]
async fn tls() {
    let (exporter, roots) = tls_exporter(&[]);
    let mut client = tls_client(&exporter, roots.clone(), &[b"h2"]).await;
    let uuid = uuid_of(&mut client, "power").await;
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();

    // Somebody who does not trust the certificate hangs up; the exporter says who it was.
    let mut stranger = tls_client(&exporter, RootCertStore::empty(), &[b"h2"]).await;
    assert_eq!(
        stranger.get_report(()).await.unwrap_err().code(),
        Code::Unavailable
    );
    let line = exporter.stderr.wait_for("TLS handshake failed");
    assert!(line.contains("127.0.0.1:"), "{line}");

    // The others are not disturbed.
    client
        .driver_call(call(&uuid, "off", vec![]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_plaintext_client_does_not_get_through_to_tls() {
    let (exporter, _roots) = tls_exporter(&[]);
    let mut client = Client::new(
        Endpoint::from_shared(format!("http://{}", exporter.address()))
            .unwrap()
            .connect_lazy(),
    );
    let since = Instant::now();
    assert!(client.get_report(()).await.is_err());
    assert!(since.elapsed() < Duration::from_secs(5));
    let line = exporter.stderr.wait_for("TLS handshake failed");
    assert!(line.contains("the client does not speak TLS"), "{line}");
}

#[tokio::test]
async fn a_client_that_speaks_something_else_is_hung_up_on() {
    let exporter = Exporter::run(POWER, &[]);
    let mut stream = TcpStream::connect(exporter.address()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed")
        .ok();
    let mut client = exporter.client().await;
    client.get_report(()).await.unwrap();
}

#[tokio::test]
async fn the_passphrase_is_asked_of_every_call() {
    let (mut exporter, roots) = tls_exporter(&["--passphrase", SECRET]);
    let mut client = tls_client(&exporter, roots, &[b"h2"]).await;
    let report = client
        .get_report(with_passphrase((), Some(SECRET)))
        .await
        .unwrap()
        .into_inner();
    let uuid = report.reports[1].uuid.clone();
    let right = with_passphrase(streaming_call(&uuid, "read", vec![]), Some(SECRET));
    let mut items = client
        .streaming_driver_call(right)
        .await
        .unwrap()
        .into_inner();
    assert!(items.message().await.unwrap().is_some());

    for wrong in [None, Some("wrong horse"), Some(""), Some("correct horse ")] {
        let mut refused = vec![
            client
                .get_report(with_passphrase((), wrong))
                .await
                .map(drop),
            client
                .driver_call(with_passphrase(call(&uuid, "on", vec![]), wrong))
                .await
                .map(drop),
            client
                .streaming_driver_call(with_passphrase(
                    streaming_call(&uuid, "read", vec![]),
                    wrong,
                ))
                .await
                .map(drop),
            client
                .log_stream(with_passphrase((), wrong))
                .await
                .map(drop),
        ];
        for result in refused.drain(..) {
            let status = result.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{wrong:?}");
            assert_eq!(status.message(), "invalid or missing passphrase");
        }
    }
    for method in [
        "GetReport",
        "DriverCall",
        "StreamingDriverCall",
        "LogStream",
    ] {
        let line = exporter.stderr.wait_for(&format!(
            "authentication failed: invalid or missing passphrase for method \
             /jumpstarter.v1.ExporterService/{method}\""
        ));
        assert!(line.contains("\"level\":\"warning\""), "{line}");
    }

    // The unix socket belongs to this user alone and asks nothing.
    let mut inside = unix_client(&exporter.socket()).await;
    inside.driver_call(call(&uuid, "on", vec![])).await.unwrap();

    exporter.stop();
    let log = exporter.stderr.all();
    assert!(!log.contains("horse"), "a passphrase was logged");
    // One line for each refused call, none for the accepted ones.
    assert_eq!(log.matches("authentication failed").count(), 16);
}

/// Calls a method by path, with an empty message.
async fn raw(channel: Channel, path: &'static str, passphrase: Option<&'static str>) -> Code {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec: tonic_prost::ProstCodec<(), ()> = tonic_prost::ProstCodec::default();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
    match grpc
        .unary(with_passphrase((), passphrase), path, codec)
        .await
    {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn health_and_reflection_are_behind_the_same_door() {
    let exporter = Exporter::run(POWER, &["--passphrase", SECRET]);
    let channel = Endpoint::from_shared(format!("http://{}", exporter.address()))
        .unwrap()
        .connect()
        .await
        .unwrap();

    let mut health = HealthClient::new(channel.clone());
    for service in ["", "jumpstarter.v1.ExporterService"] {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let answer = health
            .check(with_passphrase(request.clone(), Some(SECRET)))
            .await;
        assert_eq!(
            answer.unwrap().into_inner().status(),
            ServingStatus::Serving
        );
        assert_eq!(
            health.check(request).await.unwrap_err().code(),
            Code::Unauthenticated
        );
    }

    for (path, expected) in [
        (
            "/jumpstarter.v1.ExporterService/GetReport",
            Code::Unauthenticated,
        ),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            Code::Unauthenticated,
        ),
        (
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            Code::Unauthenticated,
        ),
        // What nobody offers is not worth a passphrase.
        ("/jumpstarter.v1.ExporterService/Nope", Code::Unimplemented),
        (
            "/jumpstarter.v1.ControllerService/Register",
            Code::Unimplemented,
        ),
        ("/nope", Code::Unimplemented),
    ] {
        assert_eq!(raw(channel.clone(), path, None).await, expected, "{path}");
    }
    assert_eq!(
        raw(
            channel,
            "/jumpstarter.v1.ExporterService/GetReport",
            Some(SECRET)
        )
        .await,
        Code::Ok
    );
}

#[tokio::test]
async fn reflection_names_the_services() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::{v1, v1alpha};

    let exporter = Exporter::run(POWER, &[]);
    let channel = Endpoint::from_shared(format!("http://{}", exporter.address()))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    for name in ["jumpstarter.v1.ExporterService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{names:?}");
    }

    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "jumpstarter.v1.ExporterService.DriverCall".into(),
            ),
        ),
    };
    let mut alpha = v1alpha::server_reflection_client::ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = alpha.message().await.unwrap().unwrap();
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
}

// The end of the exporter is waited for on a thread, and meanwhile the clients answer its goodbye.
#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_log_stream_does_not_delay_the_end() {
    let mut exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let mut health = HealthClient::new(
        Endpoint::from_shared(format!("http://{}", exporter.address()))
            .unwrap()
            .connect()
            .await
            .unwrap(),
    );
    let mut watch = health
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let since = Instant::now();
    exporter.signal(nix::sys::signal::Signal::SIGTERM);
    let mut seen = Vec::new();
    let end = loop {
        match lines.message().await {
            Ok(Some(line)) => seen.push(line.message),
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(end.message(), "Cancelling all calls");
    assert!(
        seen.iter().any(|line| line == "Stopping session server..."),
        "{seen:?}"
    );
    let last = watch.message().await.unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
    assert_eq!(exporter.ended().code(), Some(143));
    assert!(
        since.elapsed() < Duration::from_millis(800),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn the_status_is_ready_from_the_start() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let status = client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.status(), ExporterStatus::LeaseReady);
    assert_eq!(status.message.as_deref(), Some("Ready for commands"));
    assert_eq!(status.status_version, 1);
    assert_eq!(status.previous_status(), ExporterStatus::Available);

    for _ in 0..2 {
        let ended = client
            .end_session(jumpstarter_proto::v1::EndSessionRequest {})
            .await
            .unwrap()
            .into_inner();
        assert!(ended.success);
        assert_eq!(
            ended.message.as_deref(),
            Some("Session end triggered, afterLease hook running asynchronously")
        );
    }
    // Other clients go on.
    let again = client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, status);
}
