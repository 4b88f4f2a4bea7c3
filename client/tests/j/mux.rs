//! Storage that is switched between the exporter and the board.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fake::{Fake, Serving, driver};
use crate::{at, run};

async fn lab() -> Serving {
    Fake::new([
        driver("mux", "jumpstarter_driver_opendal.client.StorageMuxClient"),
        driver(
            "sd",
            "jumpstarter_driver_opendal.client.StorageMuxFlasherClient",
        ),
        driver(
            "full",
            "jumpstarter_driver_opendal.client.StorageMuxFlasherClient",
        ),
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

#[tokio::test(flavor = "multi_thread")]
async fn the_board_gets_it_back_after_an_interruption() {
    let exporter = lab().await;
    let mut program = at(&exporter).words("sd flash -").0;
    program.stdin(Stdio::piped()).stderr(Stdio::piped());
    let child = program.spawn().unwrap();
    while !methods(&exporter).contains(&"sd.write".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    kill(id, Signal::SIGINT).unwrap();
    // stdin stays open all the time.
    let output = tokio::time::timeout(Duration::from_secs(5), async {
        let mut child = child;
        let stdin = child.stdin.take();
        let output = child.wait_with_output().await.unwrap();
        drop(stdin);
        output
    });
    let output = output.await.expect("it ends promptly");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"SIGINT pressed, terminating\n");
    exporter.notes("resource-1 was cut off after 0 bytes").await;
    exporter.notes("sd.dut []").await;
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
