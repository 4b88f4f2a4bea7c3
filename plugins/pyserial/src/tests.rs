//! Ports that are pseudo-terminals, and what a board does on their other side.

#![allow(clippy::unwrap_used)]

mod board;
mod ends;
mod lines;
mod talk;

use std::io::Read;
use std::time::{Duration, Instant};

use jumpstarter_driver::Result;
use jumpstarter_driver::test::{Connection, Host, Opened};
use serde_json::Value;

use crate::pyserial::PySerial;

fn open(config: Value) -> (Host, Opened) {
    let host = Host::new();
    let serial = host.open::<PySerial>(config).unwrap();
    (host, serial)
}

fn refusal(config: Value) -> String {
    let error = Host::new().open::<PySerial>(config).unwrap_err();
    error.message().to_owned()
}

fn connect(serial: &Opened) -> Connection {
    serial.connect("connect", ()).unwrap()
}

/// Reads until `text` has come.
fn expect(mut stream: &Connection, text: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while !heard.windows(text.len()).any(|window| window == text) {
        let read = stream.read(&mut piece).unwrap();
        assert_ne!(
            read,
            0,
            "the stream ended after {:?}",
            heard.escape_ascii().to_string()
        );
        heard.extend(&piece[..read]);
    }
    heard
}

/// Waits until `ready`, within reason.
fn eventually(what: &str, ready: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !ready() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The message of an error.
fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().message().to_owned()
}

#[test]
fn example_yaml_uses_it() {
    let example = include_str!("../example.yaml");
    assert!(example.contains("jumpstarter_driver_pyserial.driver.PySerial\n"));
}
