//! WebSocket servers, good and bad.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jumpstarter_driver::test::Opened;
use jumpstarter_driver::{Code, Error};
use serde_json::json;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::{WebsocketNetwork, open};

/// A server for one connection, and a driver that connects to it.
struct Lab<T> {
    network: Opened,
    server: JoinHandle<T>,
}

// === impl Lab ===

impl<T: Send + 'static> Lab<T> {
    fn raw(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || serve(listener.accept().unwrap().0));
        let network = open::<WebsocketNetwork>(json!({"url": format!("ws://localhost:{port}/x")}));
        Self { network, server }
    }

    fn new(serve: impl FnOnce(WebSocket<TcpStream>) -> T + Send + 'static) -> Self {
        Self::raw(|stream| serve(tungstenite::accept(stream).unwrap()))
    }
}

#[test]
fn messages_are_binary_and_stay_apart() {
    let lab = Lab::new(|mut socket| {
        let mut heard = Vec::new();
        while heard.len() < 3 {
            heard.push(socket.read().unwrap());
        }
        for message in &heard {
            socket.send(message.clone()).unwrap();
        }
        socket.send(Message::text("grüß dich")).unwrap();
        heard
    });
    let io = lab.network.connect_messages("connect", ()).unwrap();
    for message in [&b"one"[..], b"two", &[7; 200_000]] {
        io.send(message).unwrap();
    }
    assert_eq!(io.recv().unwrap().unwrap(), b"one");
    assert_eq!(io.recv().unwrap().unwrap(), b"two");
    assert_eq!(io.recv().unwrap().unwrap(), [7; 200_000]);
    let text = io.recv().unwrap().unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "grüß dich");
    let heard = lab.server.join().unwrap();
    assert_eq!(heard[0], Message::binary("one"));
    assert_eq!(heard[1], Message::binary("two"));
}

#[test]
fn what_does_not_fit_comes_in_pieces() {
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| n as u8).collect();
    let sent = large.clone();
    let lab = Lab::new(move |mut socket| {
        socket.send(Message::binary(sent)).unwrap();
        drop(socket.read());
    });
    let io = lab.network.connect_messages("connect", ()).unwrap();
    let mut heard = Vec::new();
    while heard.len() < large.len() {
        heard.extend(io.recv().unwrap().unwrap());
    }
    assert!(heard == large);
}

#[test]
fn the_end_of_the_client_s_words_ends_nothing() {
    let lab = Lab::new(|mut socket| {
        assert_eq!(socket.read().unwrap(), Message::binary("bye"));
        thread::sleep(Duration::from_millis(100));
        socket.send(Message::binary("late")).unwrap();
        socket.close(None).unwrap();
        // The other side's close message, and then the end.
        while socket.read().is_ok() {}
    });
    let io = lab.network.connect_messages("connect", ()).unwrap();
    io.send(b"bye").unwrap();
    io.finish().unwrap();
    assert_eq!(io.recv().unwrap().unwrap(), b"late");
    assert_eq!(io.recv().unwrap(), None);
    io.outcome().unwrap();
    lab.server.join().unwrap();
}

#[test]
fn a_ping_is_answered_while_nobody_speaks() {
    let lab = Lab::new(|mut socket| {
        socket.send(Message::Ping("are you there".into())).unwrap();
        socket.read().unwrap()
    });
    let _io = lab.network.connect_messages("connect", ()).unwrap();
    let answer = lab.server.join().unwrap();
    assert_eq!(answer, Message::Pong("are you there".into()));
}

#[test]
fn the_server_is_told_when_the_client_leaves() {
    let lab = Lab::new(|mut socket| {
        let first = socket.read().unwrap();
        (first, socket.read().unwrap())
    });
    let io = lab.network.connect_messages("connect", ()).unwrap();
    io.send(b"last words").unwrap();
    drop(io.hang_up());
    let (first, second) = lab.server.join().unwrap();
    assert_eq!(first, Message::binary("last words"));
    assert!(second.is_close(), "{second:?}");
}

#[test]
fn a_broken_connection_is_an_error_of_the_stream() {
    // It breaks only after the first message: before that, `connect` itself would fail.
    let lab = Lab::new(|mut socket| drop(socket.read().unwrap()));
    let io = lab.network.connect_messages("connect", ()).unwrap();
    io.send(b"hello").unwrap();
    assert_eq!(io.recv().unwrap(), None);
    let error = io.outcome().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.message().starts_with("the WebSocket broke: "),
        "{error}"
    );
}

fn answering(answer: &'static str) -> Error {
    let lab = Lab::raw(move |mut stream| {
        // Only when all of it is read does the end of the connection not look like a reset.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    lab.network.connect_messages("connect", ()).unwrap_err()
}

#[test]
fn servers_of_other_protocols_are_named() {
    let error = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(error.code(), Code::Unavailable);
    let text = "answers the WebSocket request with 404 Not Found";
    assert!(error.message().ends_with(text), "{error}");
    assert!(error.message().starts_with("`localhost:"), "{error}");

    let error = answering("SSH-2.0-OpenSSH_9.2p1 Debian\r\n");
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.message().contains("does not speak WebSocket"),
        "{error}"
    );
}

#[test]
fn nonsense_is_the_configuration_s_fault() {
    let network = open::<WebsocketNetwork>(json!({"url": "http://lab/"}));
    let error = network.connect_messages("connect", ()).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("ws:// or wss://"), "{error}");
}

#[test]
fn a_client_that_does_not_read_stops_the_server() {
    let lab = Lab::new(|mut socket| {
        let stream = socket.get_ref();
        stream
            .set_write_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let mut sent = 0;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if socket.send(Message::binary(vec![0; 65_536])).is_err() {
                return sent;
            }
            sent += 65_536;
        }
        sent
    });
    let io = lab.network.connect_messages("connect", ()).unwrap();
    let sent = lab.server.join().unwrap();
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    drop(io);
}
