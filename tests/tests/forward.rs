//! Ports of this machine that lead to a server which only the exporter reaches.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_tests::{Exporter, Lab};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(30);

/// A `j` that forwards; ended when dropped.
struct Forward {
    child: Child,
    address: String,
}

impl Forward {
    fn start(exporter: &Exporter<'_>, words: &[&str]) -> Self {
        let mut command = exporter.j_command();
        command.args(words).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim_end().to_owned(),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A server that does `serve` with each connection, and its port.
fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}

fn echo(stream: TcpStream) {
    let mut reader = stream.try_clone().unwrap();
    std::io::copy(&mut reader, &mut &stream).ok();
    stream.shutdown(Shutdown::Write).ok();
}

fn lab_with(lab: &Lab, port: u16) -> Exporter<'_> {
    let export = format!(
        "board:\n  type: jumpstarter_driver_network.driver.TcpNetwork\n  \
         config: {{host: 127.0.0.1, port: {port}}}"
    );
    lab.exporter(&export).start()
}

/// Sends `data`, ends, and reads what comes back.
fn talk<S: Read + Write + Send>(
    data: &[u8],
    mut reader: S,
    mut writer: S,
    end: impl FnOnce(&S) + Send,
) -> Vec<u8> {
    thread::scope(|scope| {
        scope.spawn(move || {
            writer.write_all(data).unwrap();
            end(&writer);
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        back
    })
}

/// Different for each connection, and not a whole number of anything.
fn data(number: usize) -> Vec<u8> {
    (0..number * 40_009)
        .map(|i| (i * 31 + number) as u8)
        .collect()
}

#[test]
fn fifty_connections_at_once() {
    let lab = Lab::new();
    let exporter = lab_with(&lab, server(echo));
    let forward = Forward::start(&exporter, &["board", "forward-tcp", "0"]);
    thread::scope(|scope| {
        for number in 0..50 {
            let forward = &forward;
            scope.spawn(move || {
                let stream = forward.connect();
                let data = data(number);
                let writer = stream.try_clone().unwrap();
                let end = |stream: &TcpStream| stream.shutdown(Shutdown::Write).unwrap();
                let back = talk(&data, stream, writer, end);
                assert!(back == data, "connection {number}: {} bytes", back.len());
            });
        }
    });
}

#[test]
fn a_unix_socket_carries_them_too() {
    let lab = Lab::new();
    let exporter = lab_with(&lab, server(echo));
    let forward = Forward::start(&exporter, &["board", "forward-unix"]);
    thread::scope(|scope| {
        for number in 0..10 {
            let forward = &forward;
            scope.spawn(move || {
                let stream = UnixStream::connect(&forward.address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let data = data(number);
                let writer = stream.try_clone().unwrap();
                let end = |stream: &UnixStream| stream.shutdown(Shutdown::Write).unwrap();
                assert!(talk(&data, stream, writer, end) == data);
            });
        }
    });
}

#[test]
fn either_side_may_end_first_and_still_listen() {
    let (said, heard) = mpsc::sync_channel(1);
    let port = server(move |mut stream| {
        stream.write_all(b"I am through").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        said.send(rest).unwrap();
    });
    let lab = Lab::new();
    let exporter = lab_with(&lab, port);
    let forward = Forward::start(&exporter, &["board", "forward-tcp", "0"]);
    // Several times, because last words that are lost are lost now and then.
    for _ in 0..20 {
        let mut stream = forward.connect();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "I am through");
        for word in ["I", " am", " not"] {
            stream.write_all(word.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(5));
        }
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "I am not");
    }
}

#[test]
fn somebody_who_does_not_read_is_in_nobodys_way() {
    let lab = Lab::new();
    let flood = |mut stream: TcpStream| {
        let chunk = [b'x'; 64 * 1024];
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        if first == *b"f" {
            while stream.write_all(&chunk).is_ok() {}
        } else {
            stream.write_all(&first).unwrap();
        }
    };
    let exporter = lab_with(&lab, server(flood));
    let forward = Forward::start(&exporter, &["board", "forward-tcp", "0"]);
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let mut stream = forward.connect();
        stream.write_all(b"f").unwrap();
        stuck.push(stream);
    }
    thread::sleep(Duration::from_millis(500));
    for _ in 0..20 {
        let started = Instant::now();
        let mut stream = forward.connect();
        stream.write_all(b"e").unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"e");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_server_that_is_off_harms_one_connection_only() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let exporter = lab_with(&lab, port);
    let mut forward = Forward::start(&exporter, &["board", "forward-tcp", "0"]);
    for _ in 0..3 {
        // The reset may come before the connection is seen to be there.
        let refused = TcpStream::connect(&forward.address)
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.read(&mut [0])
            })
            .unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionReset);
    }
    // It is switched on.
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || echo(listener.accept().unwrap().0));
    let mut stream = forward.connect();
    stream.write_all(b"there").unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"there");

    let id = Pid::from_raw(forward.child.id().cast_signed());
    kill(id, Signal::SIGINT).unwrap();
    let started = Instant::now();
    assert_eq!(forward.child.wait().unwrap().code(), Some(2));
    assert!(started.elapsed() < Duration::from_secs(3));
}
