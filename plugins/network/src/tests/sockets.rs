//! Drivers that hand over their socket.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use jumpstarter_driver::Code;
use nix::sys::socket::{getsockopt, sockopt};
use serde_json::json;

use super::{TcpNetwork, UdpNetwork, UnixNetwork, VsockNetwork, open};

/// Sends everything back in capitals to one peer, and then something more after its last word.
fn shout(mut stream: impl Read + Write) {
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    write!(stream, "{} bye", said.to_uppercase()).unwrap();
}

/// A port on which nobody listens.
fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn tcp_goes_both_ways_and_half_close_is_passed_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || shout(listener.accept().unwrap().0));
    let network = open::<TcpNetwork>(json!({"host": "127.0.0.1", "port": port}));
    let mut stream = network.connect("connect", ()).unwrap();
    assert!(getsockopt(stream.socket(), sockopt::TcpNoDelay).unwrap());
    stream.write_all(b"hello").unwrap();
    stream.finish().unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "HELLO bye");
    server.join().unwrap();
}

#[test]
fn a_name_is_tried_with_all_its_addresses() {
    // `localhost` is both; only one of them listens.
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(bind) else {
            continue; // a machine without IPv6
        };
        let port = listener.local_addr().unwrap().port();
        let network = open::<TcpNetwork>(json!({"host": "localhost", "port": port}));
        match network.connect("connect", ()) {
            Ok(_) => drop(listener.accept().unwrap()),
            // A machine where `localhost` is one address only.
            Err(error) => assert!(bind.contains("::1"), "{error}"),
        }
    }
}

#[test]
fn whoever_is_not_there_is_named() {
    let port = dead_port();
    let network = open::<TcpNetwork>(json!({"host": "127.0.0.1", "port": port}));
    let error = network.connect("connect", ()).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let text = format!("cannot connect to `127.0.0.1:{port}`: Connection refused");
    assert!(error.message().starts_with(&text), "{error}");

    let network = open::<TcpNetwork>(json!({"host": "no.such.host.invalid", "port": 1}));
    let error = network.connect("connect", ()).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let text = "cannot resolve `no.such.host.invalid`: ";
    assert!(error.message().starts_with(text), "{error}");
}

#[test]
fn datagrams_stay_apart() {
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(server) = UdpSocket::bind(bind) else {
            continue; // a machine without IPv6
        };
        server
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let address = server.local_addr().unwrap();
        let config = json!({"host": address.ip().to_string(), "port": address.port()});
        let network = open::<UdpNetwork>(config);
        let mut socket = network.connect("connect", ()).unwrap();
        socket.write_all(b"one").unwrap();
        socket.write_all(b"two").unwrap();
        let mut buffer = [0; 64];
        let (size, client) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..size], b"one");
        let (size, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..size], b"two");
        server.send_to(b"back", client).unwrap();
        let size = socket.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..size], b"back");
    }
}

#[test]
fn unix_sockets_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || shout(listener.accept().unwrap().0));
    let network = open::<UnixNetwork>(json!({"path": path}));
    let mut stream = network.connect("connect", ()).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.finish().unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "HELLO bye");
    server.join().unwrap();

    let path = folder.path().join("nobody");
    let network = open::<UnixNetwork>(json!({"path": path}));
    let error = network.connect("connect", ()).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    let text = format!("cannot connect to `{}`: No such file", path.display());
    assert!(error.message().starts_with(&text), "{error}");
}

#[test]
fn a_listener_with_a_full_queue_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = short_listener(&path);
    let network = open::<UnixNetwork>(json!({"path": path}));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| network.connect("connect", ()).map(drop)))
            .collect();
        // The queue holds two of them.
        thread::sleep(Duration::from_millis(100));
        for _ in 0..8 {
            drop(listener.accept().unwrap());
        }
        for client in clients {
            client.join().unwrap().unwrap();
        }
    });
}

/// A listener whose queue is full with the second connection.
fn short_listener(path: &std::path::Path) -> UnixListener {
    use nix::sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
    };
    use std::os::fd::AsRawFd;
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).unwrap();
    bind(socket.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
    listen(&socket, Backlog::new(1).unwrap()).unwrap();
    socket.into()
}

#[test]
fn vsock_says_why_not() {
    // There is no machine with this number.
    let network = open::<VsockNetwork>(json!({"cid": 0x7fff_fff0, "port": 22}));
    let error = network.connect("connect", ()).unwrap_err();
    let text = "vsock connect() failed: cid 2147483632, port 22: ";
    assert!(error.message().starts_with(text), "{error}");
}

#[test]
fn a_port_on_every_address_is_reached_by_ipv6() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return; // a machine without IPv6
    };
    let port = listener.local_addr().unwrap().port();
    let network = open::<TcpNetwork>(json!({"host": "::1", "port": port}));
    network.connect("connect", ()).unwrap();
}
