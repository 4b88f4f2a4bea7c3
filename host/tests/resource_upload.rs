//! Presigned PUT requests: what drivers write to web servers.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::time::{Duration, Instant};

use jumpstarter_host::plugin::{CallError, Code};
use jumpstarter_host::resource::{Direction, Limits, Options};
use resource_support::server::{Answer, Server};
use resource_support::{Bench, presigned, soon};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

async fn put(handle: &Value, data: &[u8]) -> Result<(), CallError> {
    let taken = soon(Bench::new().take(handle, Direction::Write)).await?;
    taken.write(data, 70_000).await
}

async fn failure(handle: &Value, data: &[u8]) -> String {
    let error = put(handle, data).await.unwrap_err();
    assert_eq!(error.code, Code::Unknown, "{error}");
    assert!(!error.message.contains("secret"), "{error}");
    error.message
}

/// A handle that promises a length.
fn sized(url: &str, length: usize) -> Value {
    let mut handle = presigned("PUT", url);
    handle["headers"] = json!({"Content-Length": length.to_string(), "x-amz-acl": "private"});
    handle
}

fn content() -> Answer {
    Answer::status("200 OK", "").after_body()
}

#[tokio::test]
async fn a_server_stores_what_the_driver_writes() {
    let server = Server::start(|_| content()).await;
    let data: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let url = server.url("/bucket/a%40b?signature=%2F");
    for (handle, data) in [
        (presigned("PUT", &url), &data[..]),
        (presigned("PUT", &url), b""),
        (sized(&url, data.len()), &data),
        (sized(&url, 0), b""),
    ] {
        assert_eq!(put(&handle, data).await, Ok(()));
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.whole), ("PUT", true));
        assert_eq!(seen.target, "/bucket/a%40b?signature=%2F");
        assert!(seen.body == data);
        match handle["headers"].get("Content-Length") {
            Some(length) => {
                assert_eq!(seen.header("content-length"), length.as_str());
                assert_eq!(seen.header("transfer-encoding"), None);
                assert_eq!(seen.header("x-amz-acl"), Some("private"));
            }
            None => assert_eq!(seen.header("transfer-encoding"), Some("chunked")),
        }
    }
}

#[tokio::test]
async fn an_upload_is_done_when_the_answer_is_there() {
    let server = Server::start(|_| Answer {
        pieces: vec![
            b"HTTP/1.1 ".to_vec(),
            b"201 Created\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ],
        pause: Duration::from_millis(200),
        ..content()
    })
    .await;
    let begin = Instant::now();
    assert_eq!(
        put(&presigned("PUT", &server.url("/")), b"data").await,
        Ok(())
    );
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_server_that_does_not_say_that_it_wants_the_data_gets_it_nevertheless() {
    let server = Server::start(|_| Answer {
        consent: false,
        ..content()
    })
    .await;
    assert_eq!(
        put(&presigned("PUT", &server.url("/")), b"data").await,
        Ok(())
    );
    assert_eq!(server.seen()[0].body, b"data");
}

#[tokio::test]
async fn a_server_that_does_not_want_to_be_asked_is_not_asked() {
    let server = Server::start(|seen| match seen.header("expect") {
        Some(_) => Answer::status("417 Expectation Failed", ""),
        None => Answer {
            consent: false,
            ..content()
        },
    })
    .await;
    let handle = presigned("PUT", &server.url("/"));
    assert_eq!(put(&handle, b"data").await, Ok(()));
    let seen = server.seen();
    assert_eq!((seen.len(), &seen[1].body[..]), (2, &b"data"[..]));
}

#[tokio::test]
async fn a_refusal_comes_before_the_data_or_in_the_middle() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/before?secret" => Answer::status("403 Forbidden", ""),
        _ => Answer {
            consent: true,
            read: 100_000,
            ..Answer::status("507 Insufficient Storage", "")
        },
    })
    .await;
    let cases = [
        ("/before", "status=403, reason='Forbidden'"),
        ("/middle", "status=507, reason='Insufficient Storage'"),
    ];
    let data = vec![0; 30 << 20];
    for (path, what) in cases {
        let handle = presigned("PUT", &server.url(&format!("{path}?secret")));
        assert_eq!(
            failure(&handle, &data).await,
            format!(
                "Presigned HTTP PUT request failed: {what}, url={}",
                server.url(&format!("{path}?[REDACTED]"))
            )
        );
    }
    assert_eq!(server.seen()[0].body, b"");
}

#[tokio::test]
async fn a_redirect_is_followed_while_all_of_the_data_is_still_there() {
    let other = Server::start(|_| content()).await;
    let there = other.url("/stored%40?x");
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/307" => Answer::redirect(307, "/308"),
        "/308" => Answer::redirect(308, &there),
        "/302" => Answer::redirect(302, "/307"),
        "/lost" => Answer::status("307 Elsewhere", ""),
        "/loop" => Answer::redirect(307, "/loop"),
        _ => Answer::redirect(307, "/308").after_body(),
    })
    .await;
    assert_eq!(put(&sized(&server.url("/307"), 4), b"data").await, Ok(()));
    assert_eq!(server.targets(), ["/307", "/308"]);
    assert_eq!(server.seen()[1].header("x-amz-acl"), Some("private"));
    let stored = &other.seen()[0];
    assert_eq!(
        (stored.target.as_str(), &stored.body[..]),
        ("/stored%40?x", &b"data"[..])
    );
    assert_eq!(stored.header("x-amz-acl"), None);

    let text = failure(&presigned("PUT", &server.url("/302")), b"data").await;
    assert!(text.contains("status=302, reason='Elsewhere'"), "{text}");
    let text = failure(&presigned("PUT", &server.url("/late")), b"data").await;
    assert!(text.contains("status=307, reason='Elsewhere'"), "{text}");
    let text = failure(&presigned("PUT", &server.url("/lost")), b"data").await;
    assert!(text.contains("redirect missing Location header"), "{text}");
    let text = failure(&presigned("PUT", &server.url("/loop")), b"data").await;
    assert!(text.contains("Too many redirects (10)"), "{text}");
}

#[tokio::test]
async fn data_that_is_not_what_the_handle_promises_is_not_stored() {
    let server = Server::start(|_| content()).await;
    let short = failure(&sized(&server.url("/?secret"), 10), b"four").await;
    assert_eq!(
        short,
        format!(
            "Presigned HTTP PUT stream interrupted for {}: the driver wrote 4 bytes where the \
             handle promises 10",
            server.url("/?[REDACTED]")
        )
    );
    let long = failure(&sized(&server.url("/"), 3), b"four").await;
    assert!(long.ends_with("the driver writes more than the 3 bytes that the handle promises"));
    sleep(Duration::from_millis(50)).await;
    assert!(server.seen().iter().all(|seen| !seen.whole));
    // What comes after the promised length comes too late to keep the object from being stored.
    let handle = sized(&server.url("/"), 4);
    let mut taken = Bench::new().take(&handle, Direction::Write).await.unwrap();
    taken.socket.write_all(b"four").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    taken.socket.write_all(b"five").await.unwrap();
    let error = soon(taken.outcome.wait()).await.unwrap_err();
    assert!(error.message.contains("more than the 4 bytes"), "{error}");
}

#[tokio::test]
async fn a_driver_that_gives_up_leaves_no_half_object_behind() {
    let server = Server::start(|_| content()).await;
    let handle = presigned("PUT", &server.url("/"));
    let mut taken = Bench::new().take(&handle, Direction::Write).await.unwrap();
    taken.socket.write_all(b"half").await.unwrap();
    drop(taken.socket);
    let error = soon(taken.outcome.wait()).await.unwrap_err();
    assert!(
        error
            .message
            .ends_with("closed the data without finishing it"),
        "{error}"
    );
    sleep(Duration::from_millis(50)).await;
    assert!(!server.seen()[0].whole);

    // One that knows of no outcome can only close.
    let mut taken = Bench::new().take(&handle, Direction::Either).await.unwrap();
    taken.socket.write_all(b"all").await.unwrap();
    drop(taken.socket);
    assert_eq!(soon(taken.outcome.wait()).await, Ok(()));
    assert!(server.seen()[1].whole);
}

#[tokio::test]
async fn servers_that_break_off_or_do_not_listen() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/break" => Answer {
            consent: true,
            read: 100_000,
            ..Answer::default()
        },
        "/early" => Answer {
            consent: true,
            read: 100_000,
            ..Answer::status("200 OK", "connection: close\r\n")
        },
        "/deaf" => Answer {
            consent: true,
            read: 1,
            pause: Duration::from_secs(60),
            pieces: vec![Vec::new()],
            ..Answer::default()
        },
        _ => Answer {
            pieces: vec![Vec::new()],
            pause: Duration::from_secs(60),
            ..content()
        },
    })
    .await;
    let data = vec![0; 30 << 20];
    for path in ["/break", "/early"] {
        let text = failure(&presigned("PUT", &server.url(path)), &data).await;
        assert!(text.starts_with("Presigned HTTP PUT stream "), "{text}");
    }
    let bench = Bench::with(Options {
        limits: Limits {
            stall: Duration::from_millis(400),
            ..Limits::default()
        },
        ..Options::default()
    });
    for path in ["/deaf", "/silent"] {
        let handle = presigned("PUT", &server.url(path));
        let taken = bench.take(&handle, Direction::Write).await.unwrap();
        let error = taken.write(&data, 100_000).await.unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
        assert!(error.message.contains("timed out after 0.4s"), "{error}");
    }
    // A driver may take its time.
    let server = Server::start(|_| content()).await;
    let handle = presigned("PUT", &server.url("/"));
    let mut taken = bench.take(&handle, Direction::Write).await.unwrap();
    for _ in 0..2 {
        sleep(Duration::from_millis(900)).await;
        taken.socket.write_all(b"x").await.unwrap();
    }
    taken.socket.shutdown().await.unwrap();
    assert_eq!(soon(taken.outcome.wait()).await, Ok(()));
    assert_eq!(server.seen()[0].body, b"xx");
}
