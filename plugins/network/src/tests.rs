//! Every driver against a real peer, through the functions that an exporter calls.

#![allow(clippy::unwrap_used)]

mod address;
mod bus;
mod echo;
mod sockets;
mod websocket;

use std::fs;
use std::path::Path;

use jumpstarter_driver::Exports;
use jumpstarter_driver::test::{Host, Opened};
use serde_json::Value;

use crate::{
    DbusNetwork, EchoNetwork, TcpNetwork, UdpNetwork, UnixNetwork, VsockNetwork, WebsocketNetwork,
};

fn open<D: Exports>(config: Value) -> Opened {
    Host::new().open::<D>(config).unwrap()
}

fn refusal<D: Exports>(config: Value) -> String {
    let error = Host::new().open::<D>(config).unwrap_err();
    error.message().to_owned()
}

/// Whether an unknown key is refused.
fn is_strict<D: Exports>(mut config: Value) -> bool {
    config["prot"] = 1.into();
    match Host::new().open::<D>(config) {
        Err(error) => error.message().contains("unknown field `prot`"),
        Ok(_) => false,
    }
}

#[test]
fn unknown_keys_are_refused_except_by_echo() {
    let remote = serde_json::json!({"host": "127.0.0.1", "port": 1});
    assert!(is_strict::<TcpNetwork>(remote.clone()));
    assert!(is_strict::<UdpNetwork>(remote));
    assert!(is_strict::<UnixNetwork>(serde_json::json!({"path": "/x"})));
    assert!(is_strict::<VsockNetwork>(
        serde_json::json!({"cid": 3, "port": 1})
    ));
    assert!(is_strict::<DbusNetwork>(
        serde_json::json!({"kind": "system"})
    ));
    assert!(is_strict::<WebsocketNetwork>(
        serde_json::json!({"url": "ws://x"})
    ));
    assert!(!is_strict::<EchoNetwork>(serde_json::json!({})));
}

#[test]
fn missing_keys_are_named() {
    let none = || serde_json::json!({});
    assert_eq!(refusal::<TcpNetwork>(none()), "missing field `host`");
    assert_eq!(refusal::<UnixNetwork>(none()), "missing field `path`");
    assert_eq!(refusal::<VsockNetwork>(none()), "missing field `cid`");
    assert_eq!(refusal::<DbusNetwork>(none()), "missing field `kind`");
    assert_eq!(refusal::<WebsocketNetwork>(none()), "missing field `url`");
    let text = refusal::<UdpNetwork>(serde_json::json!({"host": "a", "port": 65536}));
    assert!(text.starts_with("port: "), "{text}");
}

#[test]
fn example_yaml_and_the_readme_know_every_driver() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["example.yaml", "README.md"] {
        let text = fs::read_to_string(here.join(file)).unwrap();
        for class in ["Tcp", "Udp", "Unix", "Vsock", "Dbus", "Echo", "Websocket"] {
            let name = format!("jumpstarter_driver_network.driver.{class}Network");
            assert!(text.contains(&name), "{name} is not in {file}");
        }
    }
}
