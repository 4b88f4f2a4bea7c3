//! Peers that are many, slow, silent, or rude: the others must not notice.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::lab::Lab;
use crate::line::{Line, PATIENCE, frame};
use crate::methods::{DIAL, STATUS, create, dial, list_exporters, release, wish};

/// What a controller may grow by, whatever its peers do here. One that keeps what it should not would
/// grow by many times that.
const ROOM: usize = 100 << 20;

/// That others are served as ever.
async fn serves(line: &Line, alice: &HeaderMap) {
    for _ in 0..20 {
        line.ask(alice, &list_exporters("", 0, "")).await.unwrap();
    }
}

#[tokio::test]
async fn exporters_that_do_not_read_are_not_waited_for() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let mut other = lab.board("other").await;
    let board = lab.board("board").await;
    let exporter = lab.known("Exporter", "board").headers();
    let before = lab.memory();
    // Two hundred streams of one exporter, and nobody reads any of them.
    let narrow = lab.line_to(lab.ports.grpc, 1).await;
    let mut unread = Vec::new();
    for _ in 0..200 {
        unread.push(narrow.open(&exporter, STATUS, frame(&[])).await.unwrap());
    }
    let line = lab.line().await;
    for at in 0..100 {
        let name = format!("lease-{at}");
        line.ask(&alice, &create(&name, wish("name=board")))
            .await
            .unwrap();
        line.ask(&alice, &release(&name)).await.unwrap();
    }
    line.ask(&alice, &create("theirs", wish("name=other")))
        .await
        .unwrap();
    assert_eq!(other.next().await.lease_name(), "theirs");
    let grown = lab.memory().saturating_sub(before);
    assert!(grown < ROOM, "{grown} bytes");
    drop((unread, board));
}

#[tokio::test]
async fn connections_that_say_nothing_are_let_go() {
    const SILENT: usize = 900;
    const HALF: usize = 100;
    raise_limit();
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let before = lab.memory();
    let mut silent = Vec::new();
    for at in 0..SILENT {
        let mut stream = TcpStream::connect(("127.0.0.1", lab.ports.grpc))
            .await
            .unwrap();
        if at % 2 == 0 {
            // The beginning of a ClientHello.
            stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        }
        silent.push(stream);
    }
    let mut half = Vec::new();
    for _ in 0..HALF {
        half.push(lab.tls(lab.ports.grpc, b"h2").await);
    }
    // These two say hello, and no more.
    let quiet = lab.line().await;
    serves(&line, &alice).await;
    let grown = lab.memory().saturating_sub(before);
    assert!(grown < ROOM, "{grown} bytes");
    // Those who have not said what they want are let go, and nobody else.
    let mut rest = Vec::new();
    for mut stream in silent {
        rest.clear();
        let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        end.expect("an end in time").ok();
    }
    for mut stream in half {
        rest.clear();
        let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        end.expect("an end in time").ok();
    }
    assert!(quiet.is_open() && line.is_open());
    serves(&line, &alice).await;
    serves(&quiet, &alice).await;
}

#[tokio::test]
async fn calls_that_are_taken_back_at_once_are_nobody_elses_trouble() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let before = lab.memory();
    let stream = lab.tls(lab.ports.grpc, b"h2").await;
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let mut begun = 0;
    for _ in 0..20_000 {
        let mut request = http::Request::post(format!("https://lab/{DIAL}"))
            .body(())
            .unwrap();
        *request.headers_mut() = alice.clone();
        let Ok(call) = sender.send_request(request, false) else {
            break;
        };
        begun += 1;
        // Takes it back.
        drop(call);
        if begun % 10 == 0 {
            tokio::task::yield_now().await;
        }
        let Ok(Ok(next)) = timeout(PATIENCE, sender.clone().ready()).await else {
            break;
        };
        sender = next;
    }
    assert!(begun > 10, "{begun}");
    serves(&line, &alice).await;
    let grown = lab.memory().saturating_sub(before);
    assert!(grown < ROOM, "{grown} bytes");
    drop(sender);
    connection.abort();
    assert!(!lab.log().contains("panicked"), "{}", lab.log());
}

/// A thousand calls on one connection that never finish saying what they want.
#[tokio::test]
async fn calls_that_are_never_finished_keep_nobody_waiting() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let before = lab.memory();
    let stream = lab.tls(lab.ports.grpc, b"h2").await;
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut unfinished = Vec::new();
    let beginning = frame(&[0; 2000]).slice(..1000);
    for _ in 0..1000 {
        let mut request = http::Request::post(format!("https://lab/{DIAL}"))
            .body(())
            .unwrap();
        *request.headers_mut() = alice.clone();
        sender = sender.ready().await.unwrap();
        let (answer, mut body) = sender.send_request(request, false).unwrap();
        body.send_data(beginning.clone(), false).unwrap();
        unfinished.push((answer, body));
    }
    serves(&line, &alice).await;
    let grown = lab.memory().saturating_sub(before);
    assert!(grown < ROOM, "{grown} bytes");
    connection.abort();
    drop(unfinished);
}

/// Messages that are almost whole, from somebody whom nobody knows.
#[tokio::test]
async fn strangers_cannot_fill_the_memory() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let before = lab.memory();
    let message = frame(&[b'x'; 4 << 20]);
    let almost = message.slice(..(4 << 20) - 100);
    let mut connections = Vec::new();
    let mut unfinished = Vec::new();
    let mut answers = FuturesUnordered::new();
    for _ in 0..2 {
        let stream = lab.tls(lab.ports.grpc, b"h2").await;
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        connections.push(tokio::spawn(connection));
        for _ in 0..100 {
            let mut request = http::Request::post(format!("https://lab/{DIAL}"))
                .body(())
                .unwrap();
            *request.headers_mut() = crate::people::plain();
            sender = sender.ready().await.unwrap();
            let (answer, mut body) = sender.send_request(request, false).unwrap();
            body.send_data(almost.clone(), false).unwrap();
            unfinished.push(body);
            answers.push(answer);
        }
    }
    // There is room for a few of them. The others are told, and the rest of them is not read.
    let mut refused = 0;
    while refused < 150 {
        let answer = timeout(PATIENCE, answers.next()).await;
        let answer = answer.expect("an answer in time").unwrap().unwrap();
        assert_eq!(answer.headers()["grpc-status"], "8", "{answer:?}");
        refused += 1;
    }
    let grown = lab.memory().saturating_sub(before);
    assert!(grown < 2 * ROOM, "{grown} bytes");
    serves(&line, &alice).await;
    for connection in connections {
        connection.abort();
    }
    drop(unfinished);
}

#[tokio::test]
async fn other_languages_are_told_to_go_elsewhere() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    for words in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0xff; 4096],
        &[0; 64],
    ] {
        // Without TLS, and within.
        let mut plain = TcpStream::connect(("127.0.0.1", lab.ports.grpc))
            .await
            .unwrap();
        let mut within = lab.tls(lab.ports.grpc, b"http/1.1").await;
        plain.write_all(words).await.unwrap();
        within.write_all(words).await.unwrap();
        plain.shutdown().await.unwrap();
        within.shutdown().await.ok();
        let mut heard = Vec::new();
        timeout(PATIENCE, plain.read_to_end(&mut heard))
            .await
            .expect("an end in time")
            .ok();
        timeout(PATIENCE, within.read_to_end(&mut heard))
            .await
            .expect("an end in time")
            .ok();
    }
    // gRPC needs HTTP/2; before it, this is no call of anybody.
    let mut old = lab.tls(lab.ports.grpc, b"http/1.1").await;
    let call = format!(
        "POST /{DIAL} HTTP/1.1\r\nHost: lab\r\nContent-Type: application/grpc\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\0\0\0\0\0"
    );
    old.write_all(call.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    timeout(PATIENCE, old.read_to_end(&mut heard))
        .await
        .expect("an end in time")
        .ok();
    assert!(
        heard.starts_with(b"HTTP/1.1 404 "),
        "{}",
        String::from_utf8_lossy(&heard)
    );
    serves(&line, &alice).await;
    let refused = line.say(&alice, DIAL, Bytes::new()).await.unwrap_err();
    assert!(!refused.message().is_empty());
    assert!(line.ask(&alice, &dial("x")).await.is_err());
    assert!(!lab.log().contains("panicked"), "{}", lab.log());
}

/// Some systems give a process no more than 1024 descriptors unless it asks.
fn raise_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let wanted = hard.min(8192);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).unwrap();
    }
}
