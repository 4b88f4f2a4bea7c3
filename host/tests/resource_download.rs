//! Presigned GET requests: what drivers read from web servers.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_host::plugin::Code;
use jumpstarter_host::resource::{Direction, Limits, Options};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use resource_support::download::{failure, get, limited, take};
use resource_support::server::{Answer, Server};
use resource_support::{Bench, presigned, soon};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

const CODES: [u16; 5] = [301, 302, 303, 307, 308];

#[tokio::test]
async fn a_driver_reads_what_the_server_sends() {
    let data = vec![42; 5 << 20];
    let body = data.clone();
    let server = Server::start(move |_| Answer::ok(&body)).await;
    let url = server.url("/a%40b/%7Ec//d?X-Amz-Signature=a%2Fb%3D&y=+#part");
    let mut handle = presigned("GET", &url);
    handle["headers"] = json!({"X-Amz-Date": "today", "Range": "bytes=0-"});
    let (read, outcome) = take(&handle).await.unwrap().read().await;
    assert_eq!((read == data, outcome), (true, Ok(())));
    let seen = &server.seen()[0];
    assert_eq!(seen.method, "GET");
    assert_eq!(seen.target, "/a%40b/%7Ec//d?X-Amz-Signature=a%2Fb%3D&y=+");
    let host = server.address.to_string();
    let headers = [
        ("host", host.as_str()),
        ("x-amz-date", "today"),
        ("range", "bytes=0-"),
        ("accept-encoding", "identity"),
    ];
    for (name, value) in headers {
        assert_eq!(seen.header(name), Some(value));
    }
    assert_eq!(seen.header("content-length"), None);
}

#[tokio::test]
async fn bodies_end_in_three_ways() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/length" => Answer::ok(b"data"),
        "/chunks" => Answer::raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nda\r\n2\r\nta\r\n0\r\n\r\n",
        ),
        "/close" => Answer::raw("HTTP/1.1 200 OK\r\n\r\ndata"),
        _ => Answer::status("204 Nothing", ""),
    })
    .await;
    for target in ["/length", "/chunks", "/close"] {
        assert_eq!(get(&server.url(target)).await.unwrap(), b"data", "{target}");
    }
    assert_eq!(get(&server.url("/nothing")).await.unwrap(), b"");
}

#[tokio::test]
async fn the_spelling_survives_every_hop() {
    for code in CODES {
        let server = Server::start(move |seen| match seen.target.as_str() {
            "/one%40?a=%2f" => Answer::redirect(code, "two%40/x?b=%2f"),
            "/two%40/x?b=%2f" => Answer::redirect(code, "/three%40?c=%2f"),
            "/three%40?c=%2f" => Answer::redirect(code, "?d=%40"),
            _ => Answer::ok(b"here"),
        })
        .await;
        assert_eq!(get(&server.url("/one%40?a=%2f")).await.unwrap(), b"here");
        let expected = [
            "/one%40?a=%2f",
            "/two%40/x?b=%2f",
            "/three%40?c=%2f",
            "/three%40?d=%40",
        ];
        assert_eq!(server.targets(), expected, "{code}");
    }
}

#[tokio::test]
async fn what_is_private_is_not_shown_to_other_servers() {
    let other = Server::start(|seen| match seen.target.as_str() {
        "/first" => Answer::redirect(302, "/second"),
        _ => Answer::ok(b"data"),
    })
    .await;
    let there = other.url("/first");
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/same" => Answer::redirect(302, "/next"),
        _ => Answer::redirect(307, &there),
    })
    .await;
    let mut handle = presigned("GET", &server.url("/same"));
    handle["headers"] = json!({
        "Authorization": "secret", "Cookie": "secret", "Proxy-Authorization": "secret",
        "x-amz-token": "secret", "X-MS-version": "secret", "x-goog-id": "secret",
        "Range": "bytes=0-", "X-Other": "yes",
    });
    let (data, outcome) = take(&handle).await.unwrap().read().await;
    assert_eq!((data, outcome), (b"data".to_vec(), Ok(())));
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some("secret"));
        assert_eq!(seen.header("x-amz-token"), Some("secret"));
    }
    assert_eq!((server.seen().len(), other.seen().len()), (2, 2));
    for seen in other.seen() {
        assert!(seen.headers.iter().all(|(_, value)| value != "secret"));
        assert_eq!(seen.header("range"), Some("bytes=0-"));
        assert_eq!(seen.header("x-other"), Some("yes"));
        assert_eq!(
            seen.header("host"),
            Some(other.address.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn a_slow_driver_is_not_the_servers_fault() {
    let data = vec![1; 8 << 20];
    let body = data.clone();
    let server = Server::start(move |_| Answer::ok(&body)).await;
    let bench = limited(Limits {
        stall: Duration::from_millis(400),
        ..Limits::default()
    });
    let handle = presigned("GET", &server.url("/"));
    let taken = bench.take(&handle, Direction::Read).await.unwrap();
    sleep(Duration::from_millis(1000)).await;
    let (read, outcome) = taken.read().await;
    assert_eq!((read == data, outcome), (true, Ok(())));
}

#[tokio::test]
async fn a_driver_that_closes_early_ends_the_download() {
    let server = Server::start(|_| {
        Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").then_hang()
    })
    .await;
    let mut taken = take(&presigned("GET", &server.url("/"))).await.unwrap();
    let mut read = [0; 4];
    taken.socket.read_exact(&mut read).await.unwrap();
    drop(taken.socket);
    soon(taken.work.unwrap()).await.unwrap();
    assert_eq!(
        taken.outcome.wait().await.unwrap_err().code,
        Code::Cancelled
    );
}

#[tokio::test]
async fn objects_that_are_stored_compressed_are_unpacked() {
    // "hello" by gzip
    const HELLO: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    let server = Server::start(|seen| {
        let (name, body) = match seen.target.as_str() {
            "/whole" => ("gzip", HELLO),
            "/short" => ("x-gzip", &HELLO[..20]),
            _ => ("br", HELLO),
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\ncontent-length: {length}\r\n\r\n"
        );
        Answer::raw([head.as_bytes(), body].concat())
    })
    .await;
    assert_eq!(get(&server.url("/whole")).await.unwrap(), b"hello");
    let text = failure(&server.url("/short")).await;
    assert!(text.contains("cut off after 20 bytes"), "{text}");
    let text = failure(&server.url("/brotli")).await;
    assert!(text.contains("br-encoded"), "{text}");
}

#[tokio::test]
async fn servers_have_to_prove_who_they_are() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let server = Server::at("127.0.0.1:0", Some(tls), |_| Answer::ok(b"sealed")).await;
    let url = format!("https://localhost:{}/", server.address.port());

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let bench = Bench::with(Options {
        roots: Some(Arc::new(roots)),
        ..Options::default()
    });
    let handle = presigned("GET", &url);
    let taken = bench.take(&handle, Direction::Read).await.unwrap();
    assert_eq!(taken.read().await, (b"sealed".to_vec(), Ok(())));
    // The certificate is for another name.
    let other = presigned("GET", &server.url("/"));
    let error = bench.take(&other, Direction::Read).await.err().unwrap();
    assert!(error.message.contains("TlsError: "), "{error}");
    // The system knows nothing of it.
    let text = failure(&url).await;
    assert!(text.contains("TlsError: "), "{text}");
}
