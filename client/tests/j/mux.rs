//! Storage that is switched between the exporter and the board.

use std::fs;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::time::{sleep, timeout};

use crate::fake::{Fake, Serving, driver};
use crate::program::{PATIENCE, Program};
use crate::{at, lead, run};

const FLASHER: &str = "jumpstarter_driver_opendal.client.StorageMuxFlasherClient";

async fn lab() -> Serving {
    Fake::new([
        driver("mux", "jumpstarter_driver_opendal.client.StorageMuxClient"),
        driver("sd", FLASHER),
        driver("full", FLASHER),
        driver("slow", FLASHER),
        driver("sticky", FLASHER),
    ])
    .stores("sd", "what was there")
    .serve()
    .await
}

/// The methods that were called.
fn methods(exporter: &Serving) -> Vec<String> {
    let calls = exporter.calls().into_iter();
    let calls = calls.filter(|call| !call.starts_with("stream "));
    calls
        .map(|call| call.split(' ').next().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_switched() {
    let exporter = lab().await;
    for words in ["mux host", "mux dut", "mux off", "sd off"] {
        run(&exporter, words).await.succeeds().prints("").says("");
    }
    assert_eq!(
        methods(&exporter),
        ["mux.host", "mux.dut", "mux.off", "sd.off"]
    );
    let help = run(&exporter, "mux --help").await;
    let list = "Commands:\n\
                \x20 dut               Connect storage to dut\n\
                \x20 host              Connect storage to host\n\
                \x20 off               Disconnect storage\n\
                \x20 write-local-file  Write a local file to storage\n";
    assert!(help.succeeds().stdout.contains(list), "{help:?}");
    let help = run(&exporter, "sd --help").await;
    assert!(help.succeeds().stdout.contains("  flash  "), "{help:?}");
    assert!(help.stdout.starts_with("Generic flasher interface\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written() {
    let exporter = lab().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    fs::write(&path, "an image").unwrap();
    let words = format!("mux write-local-file {}", path.display());
    run(&exporter, &words).await.succeeds();
    assert_eq!(exporter.stored("mux").unwrap(), b"an image");
    assert_eq!(methods(&exporter), ["mux.write"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_gets_it_back_in_any_case() {
    let exporter = lab().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    fs::write(&path, vec![7; 1_000_000]).unwrap();
    run(&exporter, "sd dump -")
        .await
        .succeeds()
        .prints("what was there");
    let flash = format!("flash {}", path.display());
    run(&exporter, &format!("sd {flash}")).await.succeeds();
    run(&exporter, &format!("full {flash}"))
        .await
        .fails(1)
        .says("Error: DriverCall 'write' failed with gRPC INTERNAL: no space left on device\n");
    assert_eq!(
        methods(&exporter),
        [
            "sd.host",
            "sd.read",
            "sd.dut",
            "sd.host",
            "sd.write",
            "sd.dut",
            "full.host",
            "full.write",
            "full.dut"
        ]
    );
}

/// A flash of data that does not end while its stdin is open.
struct Flash {
    child: Child,
    stdin: ChildStdin,
}

impl Flash {
    fn start(mut program: Program) -> Self {
        program.0.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.0.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin }
    }

    fn of(exporter: &Serving, mux: &str) -> Self {
        Self::start(at(exporter).words(&format!("{mux} flash -")))
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().unwrap().try_into().unwrap());
        kill(id, signal).unwrap();
    }

    /// How it ends while nobody closes its stdin.
    async fn ends(self) -> Output {
        let output = timeout(PATIENCE, self.child.wait_with_output()).await;
        drop(self.stdin);
        output.expect("it ends").unwrap()
    }
}

/// Waits until a method was called so many times.
async fn called(exporter: &Serving, method: &str, times: usize) {
    let called = async {
        let count = || {
            methods(exporter)
                .iter()
                .filter(|call| *call == method)
                .count()
        };
        while count() < times {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, called).await.expect("it is called");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_gets_it_back_after_every_signal() {
    for (signal, text, code) in [
        (Signal::SIGINT, "SIGINT pressed, terminating\n", 2),
        (Signal::SIGTERM, "SIGTERM received, terminating\n", 2),
        (Signal::SIGHUP, "SIGHUP received, terminating\n", 129),
        (Signal::SIGQUIT, "SIGQUIT pressed, terminating\n", 131),
    ] {
        let exporter = lab().await;
        let flash = Flash::of(&exporter, "sd");
        called(&exporter, "sd.write", 1).await;
        flash.signal(signal);
        let output = flash.ends().await;
        assert_eq!(output.status.code(), Some(code), "{signal}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), text);
        exporter.notes("resource-1 was cut off after 0 bytes").await;
        let calls = methods(&exporter);
        let calls = calls.iter().filter(|call| call.starts_with("sd."));
        assert!(calls.eq(["sd.host", "sd.write", "sd.dut"]), "{signal}");
        assert_eq!(exporter.stored("sd").unwrap(), b"what was there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_somebody_at_the_keyboard_is_in_a_hurry() {
    let exporter = lab().await;
    let mut flash = Flash::of(&exporter, "slow");
    called(&exporter, "slow.write", 1).await;
    flash.signal(Signal::SIGTERM);
    called(&exporter, "slow.dut", 1).await;
    flash.signal(Signal::SIGHUP);
    flash.signal(Signal::SIGTERM);
    // There is nothing to see of a program that ignores a signal.
    let ended = timeout(Duration::from_millis(300), flash.child.wait()).await;
    assert!(ended.is_err(), "it did not wait for the board");
    exporter.release();
    exporter.notes("slow is with the board").await;
    assert_eq!(flash.ends().await.status.code(), Some(2));

    let flash = Flash::of(&exporter, "slow");
    called(&exporter, "slow.write", 2).await;
    flash.signal(Signal::SIGINT);
    called(&exporter, "slow.dut", 2).await;
    flash.signal(Signal::SIGINT);
    assert_eq!(flash.ends().await.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_to_the_exporter_ends_before_the_one_back() {
    let exporter = lab().await;
    let mut flash = Flash::of(&exporter, "sticky");
    called(&exporter, "sticky.host", 1).await;
    flash.signal(Signal::SIGTERM);
    let mut stderr = BufReader::new(flash.child.stderr.take().unwrap()).lines();
    let line = stderr.next_line().await.unwrap().unwrap();
    assert_eq!(line, "SIGTERM received, terminating");
    exporter.release();
    assert_eq!(flash.ends().await.status.code(), Some(2));
    assert_eq!(
        exporter.calls(),
        ["sticky.host []", "sticky is at the host", "sticky.dut []"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn under_nohup_the_end_of_the_terminal_does_not_matter() {
    let exporter = lab().await;
    let script = format!("trap '' HUP; exec {} sd flash -", env!("CARGO_BIN_EXE_j"));
    let program = Program::new("sh").arg("-c").arg(script);
    let mut flash = Flash::start(lead(program, &exporter));
    called(&exporter, "sd.write", 1).await;
    flash.signal(Signal::SIGHUP);
    flash.stdin.write_all(b"an image").await.unwrap();
    drop(flash.stdin);
    let output = timeout(PATIENCE, flash.child.wait_with_output()).await;
    let output = output.expect("it ends").unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(exporter.stored("sd").unwrap(), b"an image");
    assert_eq!(methods(&exporter), ["sd.host", "sd.write", "sd.dut"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_only_one_place() {
    let exporter = lab().await;
    for words in ["sd flash -t boot:x", "sd dump - --target boot"] {
        run(&exporter, words)
            .await
            .fails(1)
            .says("Error: target is not supported for StorageMuxFlasherClient, boot provided\n");
    }
    run(&exporter, "sd flash missing").await.fails(1);
    assert!(methods(&exporter).is_empty(), "the board keeps it");
}
