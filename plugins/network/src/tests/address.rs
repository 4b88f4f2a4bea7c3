//! What clients are told to connect to.

use jumpstarter_driver::{Code, Result};
use serde_json::{Value, json};

use super::{TcpNetwork, UdpNetwork, UnixNetwork, VsockNetwork, WebsocketNetwork, open};

fn tcp(host: &str, port: u16) -> String {
    let network = open::<TcpNetwork>(json!({"host": host, "port": port}));
    network.call("address", ()).unwrap()
}

#[test]
fn addresses_are_told_as_they_are() {
    assert_eq!(tcp("127.0.0.1", 5201), "tcp://127.0.0.1:5201");
    assert_eq!(tcp("::1", 8080), "tcp://[::1]:8080");
    assert_eq!(tcp("2001:db8::1", 443), "tcp://[2001:db8::1]:443");
    // Not even their spelling changes.
    assert_eq!(tcp("2001:DB8:0::1", 443), "tcp://[2001:DB8:0::1]:443");
    let udp = open::<UdpNetwork>(json!({"host": "::1", "port": 8080}));
    let address: String = udp.call("address", ()).unwrap();
    assert_eq!(address, "udp://[::1]:8080");
}

#[test]
fn names_are_looked_up() {
    let address = tcp("localhost", 8080);
    let loopback = ["tcp://127.0.0.1:8080", "tcp://[::1]:8080"];
    assert!(loopback.contains(&address.as_str()), "{address}");
    // A name that nobody knows may mean something to the client.
    assert_eq!(
        tcp("no.such.host.invalid", 1),
        "tcp://no.such.host.invalid:1"
    );
}

#[test]
fn a_url_is_told_as_it_is() {
    let url = "ws://lab/%7Econsole?x=1";
    let network = open::<WebsocketNetwork>(json!({"url": url}));
    assert_eq!(network.call::<String>("address", ()).unwrap(), url);
}

#[test]
fn it_can_be_kept_from_clients() {
    let remote = json!({"host": "127.0.0.1", "port": 1, "enable_address": false});
    for network in [
        open::<TcpNetwork>(remote.clone()),
        open::<UdpNetwork>(remote),
        open::<WebsocketNetwork>(json!({"url": "ws://x", "enable_address": false})),
    ] {
        let error = network.call::<String>("address", ()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        let text = "enable_address mode is not true in the exporter configuration";
        assert_eq!(error.message(), text);
    }
}

#[test]
fn the_others_have_none() {
    let asked = |network: Result<Value>| network.unwrap_err();
    for error in [
        asked(open::<UnixNetwork>(json!({"path": "/x"})).call("address", ())),
        asked(open::<VsockNetwork>(json!({"cid": 3, "port": 1})).call("address", ())),
    ] {
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.message(), "method address not found on driver");
    }
}
