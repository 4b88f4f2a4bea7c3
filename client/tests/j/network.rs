//! Network connections: addresses and forwarded ports.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStderr};
use tokio::time::timeout;

use crate::fake::{Fake, Serving, driver};
use crate::program::Program;
use crate::{at, run};

const CLASS: &str = "jumpstarter_driver_network.client.NetworkClient";

async fn lab() -> Serving {
    let networks = [
        "net",
        "six",
        "hidden",
        "old",
        "as-refuses",
        "as-breaks",
        "as-late",
        "as-stops",
        "as-closes",
    ];
    Fake::new(networks.map(|name| driver(name, CLASS)))
        .serve()
        .await
}

/// Starts a forward and waits for the address it prints.
async fn forward(exporter: &Serving, words: &str) -> (Child, String) {
    start(at(exporter).words(words)).await
}

async fn start(program: Program) -> (Child, String) {
    let mut program = program.0;
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).await.unwrap();
    (child, line.trim_end().to_owned())
}

/// What it says from now on.
fn lines(mut child: Child) -> (Child, Lines<BufReader<ChildStderr>>) {
    let stderr = BufReader::new(child.stderr.take().unwrap());
    (child, stderr.lines())
}

async fn interrupt(child: Child) -> Output {
    let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    kill(id, Signal::SIGINT).unwrap();
    let output = timeout(Duration::from_secs(5), child.wait_with_output());
    output.await.expect("it ends promptly").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn help_says_what_there_is() {
    let exporter = lab().await;
    let help = run(&exporter, "net --help").await;
    let list = "Commands:\n\
                \x20 address       Show the address that the exporter uses\n\
                \x20 forward-tcp   Forward a TCP port of this machine\n\
                \x20 forward-unix  Forward a unix socket of this machine\n";
    assert!(help.succeeds().stdout.contains(list), "{help:?}");
    assert!(help.stdout.starts_with("Generic Network Connection\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_host_and_a_port() {
    let exporter = lab().await;
    for (words, text) in [
        ("net address", "10.1.2.3:8080\n"),
        ("net address --host --port", "10.1.2.3:8080\n"),
        ("six address", "[2001:db8::1]:443\n"),
        ("six address --host", "2001:db8::1\n"),
        ("six address --port", "443\n"),
    ] {
        run(&exporter, words).await.succeeds().prints(text).says("");
    }
    run(&exporter, "hidden address").await.fails(1).says(
        "Error: enable_address mode is not true in the exporter configuration: DriverCall \
         'address' failed with gRPC INVALID_ARGUMENT: address is off\n",
    );
    run(&exporter, "old address").await.fails(1).says(
        "Error: This exporter does not support direct connection yet, update exporter to 0.7.1 \
         or later\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tcp_port_leads_to_the_driver() {
    let exporter = lab().await;
    let (child, address) = forward(&exporter, "net forward-tcp 0").await;
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "hello");
    exporter.notes("connect ended after 5 bytes").await;

    let taken = address.rsplit(':').next().unwrap();
    let second = run(&exporter, &format!("net forward-tcp {taken}")).await;
    second
        .fails(1)
        .complains(&format!("Error: cannot listen on `localhost:{taken}`: "))
        .complains("; 0 takes any port that is free\n");
    let output = interrupt(child).await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"SIGINT pressed, terminating\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_to_listen_on_can_be_chosen() {
    let exporter = lab().await;
    let (_child, address) = forward(&exporter, "net forward-tcp 0 --address ::1").await;
    assert!(address.starts_with("[::1]:"), "{address}");
    TcpStream::connect(&address).await.unwrap();
    run(
        &exporter,
        "net forward-tcp 0 --address no.such.host.invalid",
    )
    .await
    .fails(1)
    .complains("Error: cannot resolve `no.such.host.invalid`: ");
    run(&exporter, "net forward-tcp 0 --address 192.0.2.1")
        .await
        .fails(1)
        .complains(
            "Cannot assign requested address (os error 99); use an address of this machine\n",
        );
    for port in ["70000", "-1", "http"] {
        run(&exporter, &format!("net forward-tcp -- {port}"))
            .await
            .fails(1)
            .complains(&format!(
                "Error: Invalid value for 'PORT': '{port}' is not a port, a number from 0 to \
                 65535.\n"
            ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_leads_to_the_driver_and_goes_away() {
    let exporter = lab().await;
    let (child, path) = forward(&exporter, "net forward-unix").await;
    let path = Path::new(&path);
    let folder = path.parent().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("jumpstarter-") && path.ends_with("socket"));
    let mode = folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "hello");
    interrupt(child).await;
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_dead_socket_is_replaced() {
    let exporter = lab().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let words = format!("net forward-unix {}", path.display());
    let (child, printed) = forward(&exporter, &words).await;
    assert_eq!(printed, path.display().to_string());
    run(&exporter, &words)
        .await
        .fails(1)
        .complains("exists already; remove it or name another path\n");
    interrupt(child).await;
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    run(&exporter, &words)
        .await
        .fails(1)
        .complains("exists already");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_reset_and_the_forward_goes_on() {
    let exporter = lab().await;
    for (name, data, warning) in [
        (
            "as-refuses",
            "",
            "cannot connect to `as-refuses`: stream 'connect' failed with gRPC UNKNOWN: the other side is off",
        ),
        (
            "as-breaks",
            "first",
            "stream copy interrupted (`as-breaks`): the stream broke: the wire came off",
        ),
    ] {
        let (child, address) = forward(&exporter, &format!("{name} forward-tcp 0")).await;
        for _ in 0..2 {
            let mut received = Vec::new();
            // The reset may come before the connection is seen to be there.
            let talk = async {
                let mut stream = TcpStream::connect(&address).await?;
                stream.read_to_end(&mut received).await
            };
            let error = timeout(Duration::from_secs(10), talk).await.unwrap();
            let error = error.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            // A reset may overtake what was sent before it.
            assert!(data.as_bytes().starts_with(&received));
        }
        let output = interrupt(child).await;
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("WARNING  {warning}\nWARNING  {warning}\nSIGINT pressed, terminating\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_fails_after_its_last_byte_is_told_of() {
    let exporter = lab().await;
    let (child, address) = forward(&exporter, "as-late forward-tcp 0").await;
    let (child, mut stderr) = lines(child);
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let here = stream.local_addr().unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        assert_eq!(received, "last words", "that part was whole");
        drop(stream);
        let line = timeout(Duration::from_secs(30), stderr.next_line()).await;
        assert_eq!(
            line.expect("it is said").unwrap().unwrap(),
            format!(
                "WARNING  the connection of {here} to `as-late` ended badly: the stream broke: \
                 the device caught fire"
            )
        );
    }
    interrupt(child).await;
    let last = stderr.next_line().await.unwrap().unwrap();
    assert_eq!(last, "SIGINT pressed, terminating", "each is said once");
    assert_eq!(stderr.next_line().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_behind_a_unix_socket_is_named() {
    let exporter = lab().await;
    let temporary = tempfile::tempdir().unwrap();
    let program = at(&exporter).words("as-late forward-unix");
    let (child, path) = start(program.env("TMPDIR", temporary.path())).await;
    assert!(Path::new(&path).starts_with(temporary.path()));
    let mut stream = UnixStream::connect(path).await.unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "last words");
    drop(stream);
    let (_child, mut stderr) = lines(child);
    let line = timeout(Duration::from_secs(30), stderr.next_line()).await;
    assert_eq!(
        line.expect("it is said").unwrap().unwrap(),
        format!(
            "WARNING  the connection of process {} to `as-late` ended badly: the stream broke: \
             the device caught fire",
            std::process::id()
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn why_no_more_data_is_taken_is_said() {
    let exporter = lab().await;
    let (child, address) = forward(&exporter, "as-stops forward-tcp 0").await;
    let (_child, mut stderr) = lines(child);
    let mut stream = TcpStream::connect(&address).await.unwrap();
    // More than all buffers hold: it ends when the other side takes no more.
    while stream.write_all(&[0; 64 * 1024]).await.is_ok() {}
    let line = timeout(Duration::from_secs(30), stderr.next_line()).await;
    assert_eq!(
        line.expect("it is said").unwrap().unwrap(),
        "WARNING  stream copy interrupted (`as-stops`): the stream broke: the device is full"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_none_is_not_worth_a_word() {
    let exporter = lab().await;
    let words = "--log-level DEBUG as-closes forward-tcp 0";
    let (child, address) = forward(&exporter, words).await;
    let (_child, mut stderr) = lines(child);
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let here = stream.local_addr().unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    drop(stream);
    let closed = format!("connection of {here} to `as-closes` closed");
    loop {
        let line = timeout(Duration::from_secs(30), stderr.next_line()).await;
        let line = line.expect("it closes").unwrap().unwrap();
        assert!(!line.starts_with("WARNING"), "{line}");
        if line.contains(&closed) {
            break;
        }
    }
}
