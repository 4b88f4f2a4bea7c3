//! `j` and serial ports: pipes for scripts, and a console on a terminal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;
mod program;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use fake::{Fake, Serving, driver};
use jumpstarter_proto::descriptor::{Interface, Kind, Method, Param, Type};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;
use program::{Outcome, Program, j};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::time::timeout;

/// Far more than anything here needs.
const PATIENCE: Duration = Duration::from_secs(60);

const SERIAL: &str = "jumpstarter_driver_pyserial.client.PySerialClient";

const PIPED: &str = "Bidirectional mode (auto-detected piped stdin): stdin→serial, serial→stdout \
                     (Ctrl+C to exit)\n";
const READING: &str = "Reading from serial port (read-only)... (Ctrl+C to exit)\n";
const CLOSED: &str = "\nSerial connection closed normally (end of stream).\n";
const LOST: &str = "\nSerial connection lost (broken resource). The connection may have been \
                    interrupted.\n";

fn interface() -> Interface {
    let method = |name: &str, kind, params| Method {
        name: name.to_owned(),
        kind,
        doc: format!("Do {name}"),
        params,
        result: Type::Null,
    };
    let value = Param {
        name: "value".to_owned(),
        ty: Type::Bool,
        optional: false,
        doc: String::new(),
    };
    Interface {
        package: "serial.v1".to_owned(),
        name: "Serial".to_owned(),
        doc: String::new(),
        methods: vec![
            method("connect", Kind::Bytes, Vec::new()),
            method("nothing", Kind::Call, Vec::new()),
            method("set_dtr", Kind::Call, vec![value]),
            method("pipe", Kind::Call, Vec::new()),
        ],
    }
}

/// A port that echoes, and some that behave otherwise.
fn lab() -> Fake {
    Fake::new([
        driver("serial", SERIAL).describes("pipe", "Our pipe"),
        driver("full", SERIAL).interface(&interface()),
        driver("as-breaks", SERIAL),
        driver("as-late", SERIAL),
        driver("as-refuses", SERIAL),
        driver("as-deaf", SERIAL),
        driver("as-flood", SERIAL),
    ])
}

fn at(exporter: &Serving) -> Program {
    j().env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
}

async fn run(exporter: &Serving, words: &str) -> Outcome {
    at(exporter).words(words).run().await
}

/// With this on stdin.
async fn send(exporter: &Serving, folder: &Path, input: &[u8], words: &str) -> Outcome {
    let file = folder.join("stdin");
    fs::write(&file, input).unwrap();
    let mut program = at(exporter).words(words).inside(folder);
    program.0.stdin(File::open(file).unwrap());
    program.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn its_commands_are_known() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "serial --help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Serial port client\n\nUsage: j serial [OPTIONS] COMMAND [ARGS]..."));
    let list = "Commands:\n\
                \x20 pipe           Our pipe\n\
                \x20 start-console  Start serial port console\n\
                \n";
    assert!(text.contains(list), "{text}");
    // What else the driver can do comes with its interface.
    let help = run(&exporter, "full --help").await;
    let list = "Commands:\n\
                \x20 nothing        Do nothing\n\
                \x20 pipe           Pipe serial port data to stdout or file\n\
                \x20 set-dtr        Do set_dtr\n\
                \x20 start-console  Start serial port console\n\
                \n";
    assert!(help.succeeds().stdout.contains(list), "{help:?}");
    run(&exporter, "full nothing").await.succeeds().prints("");
    run(&exporter, "full set-dtr maybe")
        .await
        .fails(1)
        .complains("Error: Invalid value for 'VALUE': 'maybe' is not a valid boolean.\n");
    let completion = at(&exporter)
        .env("_J_COMPLETE", "bash_complete")
        .env("COMP_WORDS", "j serial pipe --no")
        .env("COMP_CWORD", "3")
        .run()
        .await;
    completion.prints("plain,--no-input\nplain,--no-output\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_comes_back() {
    let exporter = lab().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    send(&exporter, folder.path(), text.as_bytes(), "serial pipe")
        .await
        .succeeds()
        .prints(&text)
        .says(&format!("{PIPED}{CLOSED}"));
    let note = format!("connect ended after {} bytes", text.len());
    assert!(exporter.calls().contains(&note), "{:?}", exporter.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_replaced_or_grow() {
    let exporter = lab().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    for (words, input, content) in [
        ("serial pipe -o a.log", "one", "one"),
        ("serial pipe --output a.log --append", "two", "onetwo"),
        ("serial pipe -o a.log -i", "three", "three"),
    ] {
        let outcome = send(&exporter, folder.path(), input.as_bytes(), words).await;
        outcome
            .succeeds()
            .prints("")
            .complains("with logging to a.log... (Ctrl+C to exit)\n")
            .complains(CLOSED);
        assert_eq!(fs::read_to_string(&file).unwrap(), content, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_named() {
    let exporter = lab().serve().await;
    let folder = tempfile::tempdir().unwrap();
    send(&exporter, folder.path(), b"x", "serial pipe -o no/where")
        .await
        .fails(1)
        .complains("Error: cannot open `no/where`: No such file or directory");
    send(&exporter, folder.path(), b"x", "serial pipe -o /dev/full")
        .await
        .fails(1)
        .complains("Error: cannot write `/dev/full`: No space left on device");
}

#[tokio::test(flavor = "multi_thread")]
async fn fire_and_forget() {
    let exporter = lab().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let input = vec![b'x'; 100_000];
    send(&exporter, folder.path(), &input, "serial pipe --no-output")
        .await
        .succeeds()
        .prints("")
        .says(
            "Fire-and-forget mode (auto-detected piped stdin): stdin→serial, no output (exits at \
             EOF)\n",
        );
    exporter.notes("connect ended after 100000 bytes").await;
    // What the port says meanwhile is in nobody's way.
    send(&exporter, folder.path(), b"x", "as-flood pipe --no-output")
        .await
        .succeeds()
        .prints("");
    send(&exporter, folder.path(), b"x", "as-breaks pipe --no-output")
        .await
        .fails(1)
        .complains("Error: Serial connection lost: the stream broke: the wire came off\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_is_told() {
    let exporter = lab().serve().await;
    run(&exporter, "as-breaks pipe --no-input")
        .await
        .succeeds()
        .prints("first")
        .says(&format!(
            "{READING}{LOST}the stream broke: the wire came off\n"
        ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_fails_after_its_last_byte_is_told() {
    let exporter = lab().serve().await;
    run(&exporter, "as-late pipe --no-input")
        .await
        .succeeds()
        .prints("last words")
        .says(&format!(
            "{READING}{LOST}the stream broke: the device caught fire\n"
        ));
    let (_terminal, outcome) = console(&exporter, "as-late start-console").await;
    outcome
        .fails(1)
        .prints(&format!("{BANNER}last words"))
        .says("\nError: Serial connection lost: the stream broke: the device caught fire\n");
    let folder = tempfile::tempdir().unwrap();
    send(&exporter, folder.path(), b"x", "as-late pipe --no-output")
        .await
        .fails(1)
        .complains("Error: Serial connection lost: the stream broke: the device caught fire\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_cannot_be_opened_is_an_error() {
    let exporter = lab().serve().await;
    let why = "Error: stream 'connect' failed with gRPC UNKNOWN: the other side is off\n";
    run(&exporter, "as-refuses pipe --no-input")
        .await
        .fails(1)
        .says(&format!("{READING}{why}"));
    let (_terminal, outcome) = console(&exporter, "as-refuses start-console").await;
    outcome.fails(1).prints("").says(why);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_show_the_usage() {
    let exporter = lab().serve().await;
    run(&exporter, "serial pipe -i --no-input")
        .await
        .fails(1)
        .says(
            "Usage: j serial pipe [OPTIONS]\n\
         Try 'j serial pipe --help' for help.\n\
         \n\
         Error: Cannot use both --input and --no-input\n",
        );
    run(&exporter, "serial start-console").await.fails(1).says(
        "Error: start-console needs a terminal, and stdin is none; to send and receive from a \
         script, use `pipe`\n",
    );
    run(&exporter, "serial start-console --escape m")
        .await
        .fails(1)
        .complains("Error: Invalid value for '--escape': 'm' with CTRL is what another key sends.");
    assert_eq!(exporter.calls(), [""; 0], "nobody has opened the port");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_pipe() {
    let exporter = lab().serve().await;
    let mut program = at(&exporter).words("serial pipe --no-input");
    program.0.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = program.0.spawn().unwrap();
    while exporter.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = Pid::from_raw(child.id().unwrap().cast_signed());
    kill(id, Signal::SIGINT).unwrap();
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.ends_with("SIGINT pressed, terminating\n"),
        "{stderr}"
    );
    exporter
        .notes("connect lost its client after 0 bytes")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_pipe_quietly() {
    let exporter = lab().serve().await;
    let mut program = at(&exporter).words("as-flood pipe --no-input");
    program.0.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.0.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut some = [0; 1000];
    stdout.read_exact(&mut some).await.unwrap();
    assert_eq!(some, [b'x'; 1000]);
    drop(stdout);
    let output = ends(child).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), READING);
    exporter.notes("flood lost its client").await;
}

/// What is left of a program when it has ended.
async fn ends(child: Child) -> Output {
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    output.expect("it ends in time").unwrap()
}

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
        stderr.starts_with("\nError: Serial connection lost: "),
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
