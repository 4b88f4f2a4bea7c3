//! An image of a gigabyte: from a file, from stdin, from a web server, and back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_tests::{Exporter, Lab, Terminal, run};

const SIZE: u64 = 1 << 30;

/// A debug build moves some hundred megabytes per second.
const PATIENCE: Duration = Duration::from_secs(180);

/// Mostly holes, as images are, with random stretches between them.
fn image(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.set_len(SIZE).unwrap();
    let mut noise = vec![0; 3 << 20];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for stretch in 0..24 {
        for word in noise.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let place = SIZE / 24 * stretch + state % 1_000_000;
        file.seek(SeekFrom::Start(place)).unwrap();
        file.write_all(&noise).unwrap();
    }
}

/// By another program than ours.
fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// Serves one file to whoever asks, whatever the path; its address.
fn web_server(file: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let mut file = File::open(&file).unwrap();
            let length = file.metadata().unwrap().len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            std::io::copy(&mut file, &mut stream).ok();
        }
    });
    format!("http://{address}")
}

fn peak_memory(exporter: &Exporter<'_>) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", exporter.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() / 1024
}

#[test]
fn a_gigabyte_arrives_whole_from_everywhere() {
    let lab = Lab::new();
    let source = lab.folder("image.raw");
    image(&source);
    let expected = sha256(&source);
    let root = lab.folder("root");
    let exporter = lab
        .exporter(&format!(
            "storage:\n  type: jumpstarter_driver_opendal.driver.Opendal\n  \
             config: {{scheme: fs, kwargs: {{root: {}}}}}\n\
             flasher: {{type: jumpstarter_driver_opendal.driver.MockFlasher}}",
            root.display()
        ))
        .start();
    let j = |words: &[&str]| {
        let mut command = exporter.j_command();
        command.args(words);
        command
    };
    let arrived = |what: &str, path: &Path, started: Instant| {
        let took = started.elapsed();
        assert_eq!(sha256(path), expected, "{what}");
        assert!(took < Duration::from_secs(120), "{what} took {took:?}");
        std::fs::remove_file(path).unwrap();
    };
    let path = source.to_str().unwrap();
    exporter.j(["storage", "list", "/"]).succeeds();
    let before = peak_memory(&exporter);

    let started = Instant::now();
    let words = ["storage", "write-from-path", "file.raw", path];
    run(&mut j(&words), PATIENCE).succeeds();
    arrived("from a file", &root.join("file.raw"), started);

    let started = Instant::now();
    let stdin = File::open(&source).unwrap();
    let status = j(&["storage", "write-from-path", "stdin.raw", "-"])
        .stdin(stdin)
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    arrived("from stdin", &root.join("stdin.raw"), started);

    let started = Instant::now();
    let url = format!("{}/image.raw?sig=%2B", web_server(source.clone()));
    let words = ["storage", "write-from-path", "web.raw", &url];
    run(&mut j(&words), PATIENCE).succeeds();
    arrived("from a web server", &root.join("web.raw"), started);

    let started = Instant::now();
    let back = lab.folder("back.raw");
    run(&mut j(&["flasher", "flash", path]), PATIENCE).succeeds();
    let words = ["flasher", "dump", back.to_str().unwrap()];
    run(&mut j(&words), PATIENCE).succeeds();
    arrived("there and back", &back, started);

    let grown = peak_memory(&exporter).saturating_sub(before);
    assert!(grown < 64, "the exporter took {grown} MiB for it");
}

#[test]
fn a_bar_is_for_terminals_that_can_draw_one() {
    let lab = Lab::new();
    let image = lab.file("image.raw", vec![1; 20 << 20]);
    let exporter = lab
        .exporter("flasher: {type: jumpstarter_driver_opendal.driver.MockFlasher}")
        .start();
    for (term, drawn) in [("xterm", true), ("dumb", false)] {
        let mut command = exporter.j_command();
        command.env("TERM", term).args(["flasher", "flash"]);
        let mut terminal = Terminal::start(command.arg(&image));
        terminal.shows("INFO     sent 20.00 MiB in ", PATIENCE);
        let screen = terminal.screen();
        assert_eq!(screen.contains("/20.00 MiB  "), drawn, "{term}: {screen}");
        assert_eq!(terminal.ends(PATIENCE), 0);
    }
}
