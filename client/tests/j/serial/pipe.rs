//! `pipe`: the port in a script.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;

use super::{ends, lab};
use crate::fake::Serving;
use crate::program::Outcome;
use crate::{at, run};

const PIPED: &str = "Bidirectional mode (auto-detected piped stdin): stdin→serial, serial→stdout \
                     (Ctrl+C to exit)\n";
const READING: &str = "Reading from serial port (read-only)... (Ctrl+C to exit)\n";
const CLOSED: &str = "\nSerial connection closed normally (end of stream).\n";
const LOST: &str = "\nSerial connection lost (broken resource). The connection may have been \
                    interrupted.\n";

/// With this on stdin.
async fn send(exporter: &Serving, folder: &Path, input: &[u8], words: &str) -> Outcome {
    let file = folder.join("stdin");
    fs::write(&file, input).unwrap();
    let mut program = at(exporter).words(words).inside(folder);
    program.0.stdin(File::open(file).unwrap());
    program.run().await
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
