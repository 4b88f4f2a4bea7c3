//! Bytes that go through.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_driver::test::Connection;
use serde_json::json;

use super::board::Board;
use super::{connect, eventually, expect, open};

#[test]
fn both_ways_through_a_port() {
    let board = Board::new();
    let (host, serial) = open(json!({"url": board.path}));
    let mut stream = connect(&serial);
    board.say(b"login: ");
    assert_eq!(expect(&stream, b"login: "), b"login: ");
    let everything: Vec<u8> = (0..=255).collect();
    stream.write_all(&everything).unwrap();
    assert_eq!(board.hear(256), everything, "the port changes bytes");
    board.say(&everything);
    assert_eq!(expect(&stream, &[255]), everything);
    drop(stream);
    let path = board.path.display();
    eventually("it disconnects", || host.messages().len() == 2);
    assert_eq!(
        host.messages(),
        [
            format!("Connecting to {path}, baudrate: 115200"),
            format!("Disconnected from {path}"),
        ]
    );
}

#[test]
fn a_client_that_sends_no_more_goes_on_reading() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let mut stream = connect(&serial);
    stream.write_all(b"boot\n").unwrap();
    stream.finish().unwrap();
    assert_eq!(board.hear(5), b"boot\n");
    thread::sleep(Duration::from_millis(100));
    board.say(b"booting");
    expect(&stream, b"booting");
}

#[test]
fn what_a_client_sent_before_it_left_arrives() {
    let board = Board::new();
    let (host, serial) = open(json!({"url": board.path}));
    for finish in [false, true] {
        let mut stream = connect(&serial);
        stream.write_all(b"reboot\n").unwrap();
        if finish {
            stream.finish().unwrap();
        }
        drop(stream);
        assert_eq!(board.hear(7), b"reboot\n");
    }
    let gone = || {
        host.messages()
            .iter()
            .filter(|line| line.starts_with("Disc"))
            .count()
    };
    // One that leaves just after it said all is noticed by the board's next byte.
    eventually("the port is closed", || {
        board.say(b"\n");
        gone() == 2
    });
}

#[test]
fn two_streams_share_a_port() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let (mut one, mut two) = (connect(&serial), connect(&serial));
    one.write_all(b"1").unwrap();
    assert_eq!(board.hear(1), b"1");
    two.write_all(b"2").unwrap();
    assert_eq!(board.hear(1), b"2");
    // `close` ends the one that was opened last, then the other.
    serial.call::<()>("close", ()).unwrap();
    assert_eq!(two.read(&mut [0; 1]).unwrap(), 0);
    board.say(b"x");
    expect(&one, b"x");
    serial.call::<()>("close", ()).unwrap();
    assert_eq!(one.read(&mut [0; 1]).unwrap(), 0);
    serial.call::<()>("close", ()).unwrap();
}

#[test]
fn the_last_stream_whose_client_sends_hears_the_board() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let log = connect(&serial);
    board.say(b"1");
    expect(&log, b"1");
    for _ in 0..20 {
        let mut console = connect(&serial);
        console.write_all(b"?").unwrap();
        assert_eq!(board.hear(1), b"?");
        board.say(b"console");
        assert_eq!(expect(&console, b"console"), b"console");
        // It does not go away, it only says that it sends no more.
        console.finish().unwrap();
        std::mem::forget(console);
        assert_eq!(heard_in_the_end(&board, &log, b"log"), b"log");
    }
    // One that never sent anything but its end hears what is left when all others are gone.
    let pipe = connect(&serial);
    pipe.finish().unwrap();
    drop(log);
    assert_eq!(heard_in_the_end(&board, &pipe, b"pipe"), b"pipe");
}

/// What `stream` hears first of a board that says `text` until it does: whose turn it is changes a
/// moment after a client has said its last.
fn heard_in_the_end(board: &Board, mut stream: &Connection, text: &[u8]) -> Vec<u8> {
    let patience = Some(Duration::from_millis(200));
    stream.socket().set_read_timeout(patience).unwrap();
    let mut piece = vec![0; text.len()];
    for _ in 0..50 {
        board.say(text);
        if stream.read_exact(&mut piece).is_ok() {
            stream.socket().set_read_timeout(None).unwrap();
            return piece;
        }
    }
    panic!("it never heard {:?}", text.escape_ascii().to_string());
}

#[test]
fn a_reader_that_stops_stops_the_board_and_loses_nothing() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let stream = connect(&serial);
    let (said, was_said) = mpsc::sync_channel(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let line = [b'x'; 1000];
            for _ in 0..1000 {
                board.say(&line);
            }
            board.say(b"end");
            said.send(()).unwrap();
        });
        assert!(
            was_said.recv_timeout(Duration::from_millis(500)).is_err(),
            "it went nowhere"
        );
        assert_eq!(expect(&stream, b"end").len(), 1_000_003);
        was_said.recv().unwrap();
    });
}

#[test]
fn the_loop_echoes_until_the_client_sends_no_more() {
    let (_host, serial) = open(json!({"url": "loop://"}));
    let mut stream = connect(&serial);
    stream.write_all(b"hello").unwrap();
    assert_eq!(expect(&stream, b"hello"), b"hello");
    stream.finish().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    for method in ["set_dtr", "set_rts"] {
        serial.call::<()>(method, (true,)).unwrap();
    }
    serial.call::<()>("close", ()).unwrap();
}

#[test]
fn at_a_pace_characters_come_one_by_one() {
    let (_host, serial) = open(json!({"url": "loop://", "cps": 20}));
    let mut stream = connect(&serial);
    let begun = Instant::now();
    stream.write_all(b"hello").unwrap();
    for expected in b"hello" {
        let mut piece = [0; 16];
        assert_eq!(stream.read(&mut piece).unwrap(), 1);
        assert_eq!(piece[0], *expected);
    }
    let taken = begun.elapsed();
    // Four pauses.
    assert!(taken >= Duration::from_millis(200), "{taken:?}");
}

#[test]
fn a_pace_holds_for_ports_and_not_for_what_they_say() {
    let board = Board::new();
    let (host, serial) = open(json!({"url": board.path, "cps": 20.5}));
    let mut stream = connect(&serial);
    let begun = Instant::now();
    board.say(&[b'.'; 1000]);
    board.say(b"fast");
    expect(&stream, b"fast");
    // At the pace of the other direction these are most of a minute.
    assert!(begun.elapsed() < Duration::from_secs(20));
    let begun = Instant::now();
    stream.write_all(b"slowly").unwrap();
    assert_eq!(board.hear(6), b"slowly");
    assert!(begun.elapsed() >= Duration::from_millis(240));
    assert!(host.messages()[0].ends_with(", baudrate: 115200, cps: 20.5"));
}

#[test]
fn a_socket_is_a_port_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("socket://{}", listener.local_addr().unwrap());
    let (_host, serial) = open(json!({"url": url}));
    // That it is present was tried.
    let (mut probe, _) = listener.accept().unwrap();
    assert_eq!(probe.read(&mut [0; 1]).unwrap(), 0);
    let mut stream = connect(&serial);
    let (mut peer, _) = listener.accept().unwrap();
    stream.write_all(b"ping").unwrap();
    let mut heard = [0; 4];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"ping");
    stream.finish().unwrap();
    peer.write_all(b"pong").unwrap();
    expect(&stream, b"pong");
    serial.call::<()>("set_dtr", (false,)).unwrap();
    drop(peer);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    stream.outcome().unwrap();
}
