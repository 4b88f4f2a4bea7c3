//! `start-console`: the port on a terminal.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{PATIENCE, ends, lab};
use crate::at;
use crate::fake::Serving;
use crate::program::{Outcome, Program};

/// A terminal in front of a program.
struct Terminal {
    keyboard: File,
    /// Held, so that the terminal outlives the program.
    _user: OwnedFd,
    before: Termios,
}

// === impl Terminal ===

impl Terminal {
    fn settings(&self) -> Termios {
        tcgetattr(&self.keyboard).unwrap()
    }

    fn is_raw(&self) -> bool {
        let interpreted = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        !self.settings().local_flags.intersects(interpreted)
    }

    async fn becomes_raw(&self) {
        let raw = async {
            while !self.is_raw() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, raw).await.expect("it becomes raw");
    }

    /// Types on a thread of its own, since a program that reads nothing makes the typist wait.
    async fn types(&self, keys: impl Into<Vec<u8>>) {
        let (mut keyboard, keys) = (self.keyboard.try_clone().unwrap(), keys.into());
        let typing = tokio::task::spawn_blocking(move || keyboard.write_all(&keys));
        let typed = timeout(PATIENCE, typing).await.expect("the keys are read");
        typed.unwrap().unwrap();
    }
}

/// A program with a terminal on stdin only, so that what it prints can be told apart.
fn on_a_terminal(exporter: &Serving, words: &str) -> (Terminal, Program) {
    let pty = openpty(None, None).unwrap();
    let mut program = at(exporter).words(words);
    program
        .0
        .stdin(Stdio::from(pty.slave.try_clone().unwrap()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let terminal = Terminal {
        before: tcgetattr(&pty.master).unwrap(),
        keyboard: File::from(pty.master),
        _user: pty.slave,
    };
    (terminal, program)
}

async fn console(exporter: &Serving, words: &str) -> (Terminal, Outcome) {
    let (terminal, program) = on_a_terminal(exporter, words);
    let outcome = program.run().await;
    assert_eq!(terminal.settings(), terminal.before);
    (terminal, outcome)
}

const BANNER: &str = "\nStarting serial port console ... exit with CTRL+B x 3 times\n\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_fails_after_its_last_byte_is_told() {
    let exporter = lab().serve().await;
    let (_terminal, outcome) = console(&exporter, "as-late start-console").await;
    outcome
        .fails(1)
        .prints(&format!("{BANNER}last words"))
        .says("\nError: Serial connection lost: the stream broke: the device caught fire\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_cannot_be_opened_is_an_error() {
    let exporter = lab().serve().await;
    let why = "Error: stream 'connect' failed with gRPC UNKNOWN: the other side is off\n";
    let (_terminal, outcome) = console(&exporter, "as-refuses start-console").await;
    outcome.fails(1).prints("").says(why);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_out_and_come_back() {
    let exporter = lab().serve().await;
    let (terminal, mut program) = on_a_terminal(&exporter, "serial start-console");
    let mut child = program.0.spawn().unwrap();
    terminal.becomes_raw().await;
    // Ctrl-C, Ctrl-D, Ctrl-Z and what is no text are keys like others.
    terminal.types(b"a\x03\x04\x1a\xff\x00\r\x02\x02b").await;
    let expected = [BANNER.as_bytes(), b"a\x03\x04\x1a\xff\x00\r\x02\x02b"].concat();
    let mut shown = vec![0; expected.len()];
    let mut stdout = child.stdout.take().unwrap();
    let reading = timeout(PATIENCE, stdout.read_exact(&mut shown)).await;
    reading.expect("it is shown in time").unwrap();
    assert_eq!(shown, expected, "{}", String::from_utf8_lossy(&shown));
    terminal.types(b"\x02\x02\x02never").await;
    assert_eq!(
        timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap()
            .code(),
        Some(0)
    );
    assert_eq!(terminal.settings(), terminal.before);
    exporter
        .notes("connect lost its client after 12 bytes")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_the_console() {
    let exporter = lab().serve().await;
    let (_terminal, outcome) = console(&exporter, "as-breaks start-console").await;
    outcome
        .fails(1)
        .prints(&format!("{BANNER}first"))
        .says("\nError: Serial connection lost: the stream broke: the wire came off\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_can_leave_a_device_that_takes_nothing() {
    let exporter = lab().serve().await;
    let (terminal, mut program) = on_a_terminal(&exporter, "as-deaf start-console");
    let child = program.0.spawn().unwrap();
    terminal.becomes_raw().await;
    // More than fits between here and there.
    terminal.types(vec![b'x'; 1_250_000]).await;
    terminal.types(b"\x02\x02\x02").await;
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(terminal.settings(), terminal.before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_can_leave_although_nobody_reads_the_screen() {
    let exporter = lab().serve().await;
    let (terminal, mut program) = on_a_terminal(&exporter, "as-flood start-console");
    let mut child = program.0.spawn().unwrap();
    terminal.becomes_raw().await;
    // stdout is a pipe that is full by now, or soon.
    tokio::time::sleep(Duration::from_millis(300)).await;
    terminal.types(b"\x02\x02\x02").await;
    assert_eq!(
        timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap()
            .code(),
        Some(0)
    );
    assert_eq!(terminal.settings(), terminal.before);
    exporter.notes("flood lost its client").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_goes_away_puts_the_terminal_back() {
    let exporter = lab().serve().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cable = listener.local_addr().unwrap().to_string();
    let to = exporter.address.clone();
    let carrying = tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(to).await.unwrap();
        copy_bidirectional(&mut near, &mut far).await.ok();
    });
    let (terminal, program) = on_a_terminal(&exporter, "serial start-console");
    let mut program = program.env("JUMPSTARTER_HOST", cable);
    let child = program.0.spawn().unwrap();
    terminal.becomes_raw().await;
    carrying.abort();
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with(
            "\nError: Serial connection lost: the stream broke: the connection to the exporter \
             broke: "
        ),
        "{stderr}"
    );
    assert_eq!(terminal.settings(), terminal.before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_into_a_file() {
    let exporter = lab().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.log");
    fs::write(&file, "before ").unwrap();
    let words = format!("serial start-console --escape ] --log {}", file.display());
    let (terminal, mut program) = on_a_terminal(&exporter, &words);
    let child = program.0.spawn().unwrap();
    terminal.becomes_raw().await;
    terminal.types(b"kept\x02\x02\x02").await;
    let kept = async {
        while fs::read(&file).unwrap() != b"before kept\x02\x02\x02" {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, kept).await.expect("it is kept in time");
    terminal.types(b"\x1d\x1d\x1d").await;
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("exit with CTRL+] x 3 times"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_forced_to_be_a_pipe() {
    let exporter = lab().serve().await;
    let (terminal, mut program) = on_a_terminal(&exporter, "serial pipe --input");
    let child = program.0.spawn().unwrap();
    // Lines are edited, and Ctrl-D is their end, since this terminal is not raw.
    terminal.types(b"helo\x7flo\n\x04").await;
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"hello\n");
    let mut echoed = [0; 64];
    let count = (&terminal.keyboard).read(&mut echoed).unwrap();
    assert!(echoed[..count].starts_with(b"helo"));
}
