//! Pages and JSON.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use jumpstarter_client::config::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::lab::Lab;

impl Lab {
    /// A request to the controller's port by HTTP/1.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.path("data/ca/ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.ports.grpc))
            .await
            .unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "lab")
            .header("grpc-metadata-jumpstarter-namespace", "lab")
            .header("grpc-metadata-jumpstarter-kind", "Client")
            .header("grpc-metadata-jumpstarter-name", "alice");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        drop(sender);
        connection.await.unwrap().unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn leases_are_made_and_changed_with_json() {
    let lab = Lab::started();
    lab.client("alice");
    lab.works(&["exporter", "create", "board", "-l", "board=rpi"]);
    let config = ClientConfig::load(&lab.path("alice.yaml"))
        .unwrap()
        .unwrap();
    let token = config.token.unwrap();
    let token = Some(token.expose().as_str());
    let leases = "/v1/namespaces/lab/leases";
    let new = json!({"selector": "board=rpi", "duration": "3600s", "tags": {"run": "7"}});
    let path = format!("{leases}?leaseId=mine");
    let (status, lease) = lab.ask(Method::POST, &path, token, &new).await;
    assert_eq!(status, StatusCode::OK, "{lease}");
    assert_eq!(lease["name"], "namespaces/lab/leases/mine");
    assert_eq!(lease["duration"], "3600s");
    assert_eq!(lease["conditions"][0]["type"], "Pending");
    let path = format!("{leases}/mine");
    let (_, lease) = lab
        .ask(Method::PATCH, &path, token, &json!({"duration": "60s"}))
        .await;
    assert_eq!(lease["duration"], "60s", "{lease}");
    let (_, all) = lab
        .ask(
            Method::GET,
            &format!("{leases}?tagFilter=run%3D7"),
            token,
            &Value::Null,
        )
        .await;
    assert_eq!(all["leases"].as_array().unwrap().len(), 1, "{all}");
    let (status, _) = lab.ask(Method::DELETE, &path, token, &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let exporters = "/v1/namespaces/lab/exporters";
    let (_, all) = lab.ask(Method::GET, exporters, token, &Value::Null).await;
    assert_eq!(all["exporters"][0]["labels"]["board"], "rpi", "{all}");

    // Everything else is refused, in the words of gRPC.
    let (status, told) = lab.ask(Method::GET, exporters, None, &Value::Null).await;
    assert_eq!(
        (status, &told["code"]),
        (StatusCode::UNAUTHORIZED, &json!(16)),
        "{told}"
    );
    let (status, told) = lab
        .ask(Method::POST, leases, token, &json!({"selektor": 1}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        told["message"].as_str().unwrap().contains("selektor"),
        "{told}"
    );
    let (status, told) = lab
        .ask(Method::GET, "/v1/nothing", token, &Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        told,
        json!({"code": 5, "message": "Not Found", "details": []})
    );
    let (status, told) = lab
        .ask(Method::GET, "/admin/v1/about", token, &Value::Null)
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
    let (status, api) = lab
        .ask(Method::GET, "/openapi.json", None, &Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(api["paths"]["/v1/namespaces/{namespace}/leases"]["post"].is_object());
    let (_, login) = lab
        .ask(Method::GET, "/v1/auth/config", None, &Value::Null)
        .await;
    assert_eq!(login["namespace"], "lab");
}

#[tokio::test]
async fn numbers_are_there_for_whoever_watches() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let lab = Lab::started();
    lab.works(&["client", "create", "alice"]);
    let mut stream = TcpStream::connect(("127.0.0.1", lab.ports.metrics))
        .await
        .unwrap();
    let ask = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    for line in [
        "jumpstarter_clients 1",
        "jumpstarter_lease_acquisitions_total{result=\"success\"} 0",
        "jumpstarter_lease_acquisitions_total{result=\"failure\"} 0",
        "jumpstarter_events_total{event=\"ClientCreated\"} 1",
        "jumpstarter_router_bytes_total 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
