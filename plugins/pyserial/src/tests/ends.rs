//! Ports that are not there, not free, or not there any more.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;

use jumpstarter_driver::Code;
use nix::fcntl::{Flock, FlockArg};
use serde_json::json;

use super::board::Board;
use super::{connect, eventually, expect, message, open, refusal};

#[test]
fn a_port_that_is_not_there_keeps_the_exporter_from_starting() {
    let absent = "/dev/no-such-port";
    let text = "[Errno 2] could not open port /dev/no-such-port: \
                [Errno 2] No such file or directory: '/dev/no-such-port'";
    assert_eq!(refusal(json!({"url": absent})), text);
    // Unless that is to be found out later.
    let (_host, serial) = open(json!({"url": absent, "check_present": false}));
    let error = serial.connect("connect", ()).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Internal, text));
    let error = serial.call::<()>("set_rts", (true,)).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Internal, text));
    let text = refusal(json!({"url": "socket://127.0.0.1:1"}));
    assert!(text.contains("Connection refused"), "{text}");
}

#[test]
fn what_is_no_port_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let text = refusal(json!({"url": file}));
    assert!(text.ends_with("it is no serial port"), "{text}");
    let (_host, serial) = open(json!({"url": "/dev/null"}));
    let text = message(serial.connect("connect", ()));
    assert_eq!(text, "could not open port /dev/null: it is no serial port");
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    assert!(refusal(json!({"url": "hwgrep://x"})).starts_with("url: `hwgrep://` is not supported"));
    assert!(refusal(json!({"url": "loop://", "baudrate": 0})).starts_with("baudrate: "));
    assert!(refusal(json!({"url": "loop://", "cps": 1e-9})).starts_with("cps: "));
    assert!(refusal(json!({"url": "loop://", "dtr": "up"})).contains("expected one of `assert`"));
    assert!(refusal(json!({"url": "loop://", "parity": "N"})).starts_with("unknown field"));
}

#[test]
fn checking_does_not_open_the_port() {
    let board = Board::new();
    let file = fs::File::open(&board.path).unwrap();
    let taken = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
    let (_host, _serial) = open(json!({"url": board.path}));
    drop(taken);
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let file = fs::File::open(&board.path).unwrap();
    let taken = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
    let path = board.path.display();
    let text = format!(
        "[Errno 16] could not open port {path}: [Errno 16] Device or resource busy: '{path}' \
         (another program or stream has it for itself)"
    );
    let error = serial.connect("connect", ()).unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::Internal, text.as_str())
    );
    drop(taken);
    // While we have it, nobody else can take it for itself.
    let stream = connect(&serial);
    let file = fs::File::open(&board.path).unwrap();
    let (file, _) = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap_err();
    drop(stream);
    let mut file = Some(file);
    for _ in 0..500 {
        match Flock::lock(file.take().unwrap(), FlockArg::LockExclusiveNonblock) {
            Ok(_) => return,
            Err((back, _)) => file = Some(back),
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the port stays locked");
}

#[test]
fn an_exclusive_port_has_one_stream() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path, "exclusive": true}));
    let stream = connect(&serial);
    assert!(message(serial.connect("connect", ())).starts_with("[Errno 16] could not open port"));
    drop(stream);
    drop(connect(&serial));
}

#[test]
fn a_board_that_hangs_up_ends_the_stream_in_order() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    let mut stream = connect(&serial);
    board.say(b"bye");
    expect(&stream, b"bye");
    drop(board);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    stream.outcome().unwrap();
}

#[test]
fn a_port_that_comes_back_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("usb-board-if00");
    let board = Board::new();
    symlink(&board.path, &name).unwrap();
    let (_host, serial) = open(json!({"url": name}));
    let mut stream = connect(&serial);
    // Another terminal, so that the number of the first is not used again.
    let replaced = Board::new();
    drop(board);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    fs::remove_file(&name).unwrap();
    let text = message(serial.connect("connect", ()));
    assert!(text.contains("No such file or directory"), "{text}");
    symlink(&replaced.path, &name).unwrap();
    let mut stream = connect(&serial);
    stream.write_all(b"again").unwrap();
    assert_eq!(replaced.hear(5), b"again");
}

#[test]
fn a_client_that_leaves_frees_the_port() {
    let board = Board::new();
    let (host, serial) = open(json!({"url": board.path}));
    for finish in [false, true] {
        let stream = connect(&serial);
        if finish {
            // Whether it leaves before the port has heard that it sends no more, or after: then its
            // exporter ends the stream, with this error.
            stream.finish().unwrap();
            if let Err(error) = stream.hang_up() {
                assert_eq!(error.code(), Code::Cancelled);
            }
        } else {
            drop(stream);
        }
    }
    let gone = || {
        host.messages()
            .iter()
            .filter(|line| line.starts_with("Disc"))
            .count()
    };
    eventually("the port is closed", || gone() == 2);
    // A board that talks to nobody does not keep it open either.
    let stream = connect(&serial);
    board.say(&[b'x'; 1000]);
    drop(stream);
    eventually("the port is closed", || gone() == 3);
}

#[test]
fn a_session_that_ends_closes_the_port() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path, "exclusive": true}));
    let mut stream = connect(&serial);
    serial.close().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    let (_host, serial) = open(json!({"url": board.path, "exclusive": true}));
    eventually("it is free again", || serial.connect("connect", ()).is_ok());
}

#[test]
fn an_exclusive_port_can_be_had_as_soon_as_its_client_has_left() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path, "exclusive": true}));
    // Each one is only half closed while the next one comes.
    let mut last = None;
    for _ in 0..50 {
        let mut stream = connect(&serial);
        stream.write_all(b"x").unwrap();
        assert_eq!(board.hear(1), b"x");
        stream.finish().unwrap();
        last = Some(stream);
    }
    drop(last);
}
