//! Presigned GET requests that come to nothing: web servers that refuse, break off, or keep silent.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::net::TcpListener;
use std::time::Duration;

use jumpstarter_host::plugin::Code;
use jumpstarter_host::resource::{Direction, Limits};
use resource_support::download::{failure, limited, take};
use resource_support::server::{Answer, Server};
use resource_support::{Bench, presigned, soon};
use serde_json::json;

#[tokio::test]
async fn redirects_that_lead_nowhere_are_given_up() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/lost" => Answer::status("302 Found", ""),
        "/mail" => Answer::redirect(302, "mailto:someone"),
        "/latin" => Answer::raw(b"HTTP/1.1 302 Found\r\nlocation: /\xff\r\n\r\n"),
        _ => Answer::redirect(302, "/again?secret"),
    })
    .await;
    let base = server.url("");
    assert_eq!(
        failure(&server.url("/loop?secret")).await,
        format!("Too many redirects (10) for {base}/loop?[REDACTED]")
    );
    assert_eq!(server.seen().len(), 11);
    assert_eq!(
        failure(&server.url("/lost")).await,
        format!("Presigned HTTP GET redirect missing Location header for {base}/lost")
    );
    for target in ["/mail", "/latin"] {
        let text = failure(&server.url(target)).await;
        assert!(
            text.contains("RedirectError: the Location header"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_what_and_where_and_no_secret() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/custom?secret" => Answer::status("418 I'm short and stout", ""),
        "/not-modified?secret" => Answer::status("304 Not Modified", ""),
        _ => Answer::status("404 Not Found", ""),
    })
    .await;
    let base = server.url("");
    let cases = [
        ("/gone", "status=404, reason='Not Found'"),
        ("/custom", "status=418, reason='I'm short and stout'"),
        ("/not-modified", "status=304, reason='Not Modified'"),
    ];
    for (path, what) in cases {
        let url = server
            .url(&format!("{path}?secret"))
            .replace("://", "://me:secret@");
        assert_eq!(
            failure(&url).await,
            format!("Presigned HTTP GET request failed: {what}, url={base}{path}?[REDACTED]")
        );
        // The credentials of the URL have been used all the same: me:secret
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("authorization"), Some("Basic bWU6c2VjcmV0"));
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_no_end_of_file() {
    let server = Server::start(|seen| {
        Answer::raw(match seen.target.as_str() {
            "/length?secret" => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart",
            "/chunk?secret" => {
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n9\r\n"
            }
            _ => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n",
        })
    })
    .await;
    for target in ["/length", "/chunk", "/bad"] {
        let url = server.url(&format!("{target}?secret"));
        let (data, outcome) = take(&presigned("GET", &url)).await.unwrap().read().await;
        assert_eq!(data, b"part");
        let error = outcome.unwrap_err();
        assert_eq!(error.code, Code::Unknown);
        let shown = server.url(&format!("{target}?[REDACTED]"));
        let expected = format!("Presigned HTTP GET stream interrupted for {shown}: ");
        assert!(error.message.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn servers_that_do_not_answer() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/hang-up" => Answer::default(),
        _ => Answer::raw("220 mail.example ESMTP\r\n"),
    })
    .await;
    let begin = format!(
        "Presigned HTTP GET stream failed (connection/read error) for {}",
        server.url("")
    );
    for (target, kind) in [("/hang-up", "ReadError"), ("/smtp", "ParseError")] {
        let text = failure(&server.url(target)).await;
        assert!(
            text.starts_with(&format!("{begin}{target}: {kind}: ")),
            "{text}"
        );
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = failure(&format!("http://{closed}/?secret")).await;
    assert!(
        text.contains("ConnectError: ") && text.contains("refused"),
        "{text}"
    );
    let text = failure("http://[::1]:1/").await;
    assert!(
        text.contains("for http://[::1]:1/: ConnectError: "),
        "{text}"
    );
}

#[tokio::test]
async fn servers_that_are_slow() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/silent?secret" => Answer::default().then_hang(),
        "/stuck?secret" => {
            Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").then_hang()
        }
        _ => Answer {
            pieces: [&b"HTTP/1.1 200 OK\r\n\r\n"[..]]
                .into_iter()
                .chain([&b"drip"[..]; 100])
                .map(Vec::from)
                .collect(),
            pause: Duration::from_millis(50),
            ..Answer::default()
        },
    })
    .await;
    let bench = limited(Limits {
        total: Duration::from_millis(900),
        stall: Duration::from_millis(200),
        ..Limits::default()
    });
    let cases = [
        ("/silent", "0.2", &b""[..]),
        ("/stuck", "0.2", b"part"),
        ("/drip", "0.9", b"drip"),
    ];
    for (path, after, start) in cases {
        let handle = presigned("GET", &server.url(&format!("{path}?secret")));
        let error = match soon(bench.take(&handle, Direction::Read)).await {
            Err(error) => error,
            Ok(taken) => {
                let (data, outcome) = taken.read().await;
                assert!(data.starts_with(start));
                outcome.unwrap_err()
            }
        };
        assert_eq!(error.code, Code::DeadlineExceeded);
        let shown = server.url(&format!("{path}?[REDACTED]"));
        let expected = format!("Presigned HTTP GET request timed out after {after}s for {shown}");
        assert_eq!(error.message, expected);
    }
}

#[tokio::test]
async fn a_server_that_takes_no_connections_is_given_up() {
    let limits = Limits {
        connect: Duration::from_millis(200),
        ..Limits::default()
    };
    // It accepts TCP and says nothing in TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (bench, handle) = (limited(limits), presigned("GET", &url));
    let taken = soon(bench.take(&handle, Direction::Read)).await;
    let error = taken.err().unwrap();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(error.message.contains("timed out after 0.2s"), "{error}");
}

#[tokio::test]
async fn what_the_handle_says_is_checked_before_anything_is_sent() {
    let server = Server::start(|_| Answer::ok(b"")).await;
    let mut headers = presigned("GET", &server.url("/"));
    headers["headers"] = json!({"a": "secret\r\nb: c"});
    let cases = [
        (presigned("GET", &server.url("/")), Direction::Write, "PUT"),
        (presigned("PUT", &server.url("/")), Direction::Read, "GET"),
        (
            presigned("GET", "ftp://secret@h/"),
            Direction::Read,
            "http://",
        ),
        (
            presigned("GET", "http://h/ ?secret"),
            Direction::Read,
            "percent-encoded",
        ),
        (headers, Direction::Read, "`a`"),
    ];
    for (handle, direction, word) in cases {
        let error = Bench::new().take(&handle, direction).await.err().unwrap();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.contains(word), "{error}");
        assert!(!error.message.contains("secret"), "{error}");
    }
    assert!(server.seen().is_empty());
}
