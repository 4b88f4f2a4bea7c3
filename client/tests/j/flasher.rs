//! Flashers: images there and back, and everything in the way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use crate::at;
use crate::fake::{Fake, Serving, driver};
use crate::program::{Outcome, Program};

async fn lab() -> (Serving, TempDir) {
    let exporter = Fake::new([
        driver("flasher", "jumpstarter_driver_opendal.client.FlasherClient"),
        driver("core", "jumpstarter.client.flasher.FlasherClient"),
        driver("full", "jumpstarter.client.flasher.FlasherClient"),
        driver("torn", "jumpstarter.client.flasher.FlasherClient"),
    ])
    .stores("core", image(300_000))
    .stores("core/boot", "boot image")
    .stores("torn", "half")
    .serve()
    .await;
    (exporter, tempfile::tempdir().unwrap())
}

fn image(size: u32) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(i) % 253) as u8).collect()
}

fn inside(exporter: &Serving, folder: &TempDir, words: &str) -> Program {
    at(exporter).inside(folder.path()).words(words)
}

async fn run(exporter: &Serving, folder: &TempDir, words: &str) -> Outcome {
    inside(exporter, folder, words).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_flashed_byte_for_byte() {
    let (exporter, folder) = lab().await;
    fs::write(folder.path().join("image.raw"), image(1_000_000)).unwrap();
    let flashed = run(&exporter, &folder, "flasher flash image.raw").await;
    flashed
        .succeeds()
        .prints("")
        .complains("INFO     sent 976.56 KiB in ");
    assert!(exporter.stored("flasher").unwrap() == image(1_000_000));
    let handle = r#"{"kind":"client_stream","uuid":"resource-1","x_jmp_content_encoding":null}"#;
    assert_eq!(
        exporter.calls(),
        [
            r#"stream {"kind":"resource","uuid":"flasher","x_jmp_content_encoding":null}"#,
            &format!("flasher.flash [{handle},null]"),
        ]
    );
    fs::write(folder.path().join("empty"), "").unwrap();
    run(&exporter, &folder, "flasher flash empty")
        .await
        .succeeds();
    assert_eq!(exporter.stored("flasher").unwrap(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_images_go_to_several_places_in_order() {
    let (exporter, folder) = lab().await;
    fs::write(folder.path().join("a"), "aaa").unwrap();
    fs::write(folder.path().join("b"), "bbb").unwrap();
    let words = "flasher flash -t root:b --target boot:a ignored";
    run(&exporter, &folder, words).await.succeeds();
    assert_eq!(exporter.stored("flasher/root").unwrap(), b"bbb");
    assert_eq!(exporter.stored("flasher/boot").unwrap(), b"aaa");
    let calls = exporter.calls();
    assert!(calls[1].ends_with(",\"root\"]") && calls[3].ends_with(",\"boot\"]"));

    // Nothing is flashed if one of them cannot be.
    let words = "flasher flash -t root:a -t boot:c";
    run(&exporter, &folder, words).await.fails(1);
    assert_eq!(exporter.calls().len(), 4);
    run(&exporter, &folder, "flasher flash -t root")
        .await
        .fails(1)
        .says("Error: Invalid target spec 'root', expected name:file\n");
    run(&exporter, &folder, "flasher flash -t root:- -t boot:-")
        .await
        .fails(1)
        .says("Error: stdin (-) is one image only; name a file for each of the others\n");
    run(&exporter, &folder, "flasher flash")
        .await
        .fails(1)
        .says("Error: FILE argument is required unless --target/-t is used\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_left_to_the_exporter() {
    let (exporter, folder) = lab().await;
    let url = "https://h/a%40b?sig=%2B+1";
    run(
        &exporter,
        &folder,
        &format!("core flash {url} --compression gzip"),
    )
    .await
    .succeeds()
    .says("WARNING  compression parameter is ignored for HTTP URLs\n");
    let handle = |method: &str| {
        format!(
            r#"{{"kind":"presigned_request","headers":{{}},"url":"{url}","method":"{method}"}}"#
        )
    };
    run(
        &exporter,
        &folder,
        &format!("flasher flash {url} --compression gzip"),
    )
    .await
    .fails(1)
    .says("Error: compression is not supported with direct HTTP URLs (original_url)\n");
    run(&exporter, &folder, &format!("core dump {url} --target x"))
        .await
        .succeeds();
    assert_eq!(
        exporter.calls(),
        [
            format!("core.flash [{},null]", handle("GET")),
            format!("core.dump [{},\"x\"]", handle("PUT")),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stdin_and_stdout_are_files_too() {
    let (exporter, folder) = lab().await;
    let mut program = inside(&exporter, &folder, "flasher flash -").0;
    let mut child = program
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&image(500_000)).await.unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    assert!(exporter.stored("flasher").unwrap() == image(500_000));

    let mut program = inside(&exporter, &folder, "core dump -").0;
    let output = program.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout == image(300_000));
    let dumped = run(&exporter, &folder, "core dump - --target boot").await;
    dumped.succeeds().prints("boot image");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compression_is_said_and_the_bytes_stay_as_they_are() {
    let (exporter, folder) = lab().await;
    let squeezed = b"\x1f\x8b\x08 not really gzip";
    fs::write(folder.path().join("image.gz"), squeezed).unwrap();
    let words = "flasher flash image.gz --compression GZIP";
    run(&exporter, &folder, words).await.succeeds();
    assert_eq!(exporter.stored("flasher").unwrap(), squeezed);
    let calls = exporter.calls();
    assert!(
        calls[0].contains(r#""x_jmp_content_encoding":"gzip""#),
        "{calls:?}"
    );

    let hinted = run(&exporter, &folder, "flasher flash image.gz").await;
    hinted.succeeds().complains(
        "`image.gz` looks compressed and is sent as it is; with --compression gzip the exporter \
         decompresses it\n",
    );
    let words = "flasher flash image.gz --compression rar";
    run(&exporter, &folder, words)
        .await
        .fails(1)
        .complains("'rar' is not one of 'gzip', 'xz', 'bz2', 'zstd'.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_in_a_sentence() {
    let (exporter, folder) = lab().await;
    run(&exporter, &folder, "core flash missing.raw")
        .await
        .fails(1)
        .says("Error: File not found. There is no `missing.raw`; check its name\n");
    fs::create_dir(folder.path().join("images")).unwrap();
    run(&exporter, &folder, "core flash images")
        .await
        .fails(1)
        .says("Error: `images` is a directory; name a file in it\n");
    run(&exporter, &folder, "core dump images")
        .await
        .fails(1)
        .says("Error: `images` is a directory; name a file in it\n");
    run(&exporter, &folder, "core dump no/such/folder")
        .await
        .fails(1)
        .says(
            "Error: cannot write to `no/such/folder`: No such file or directory (os error 2); make \
             its folder first, or name another\n",
        );
    for url in ["htp://h/image.raw", "oci://h/image:1", "http:/h/image.raw"] {
        run(&exporter, &folder, &format!("core flash {url}"))
            .await
            .fails(1)
            .says(&format!(
                "Error: File not found. There is no `{url}`; a URL begins with http:// or \
                 https://\n"
            ));
        run(&exporter, &folder, &format!("core dump {url}"))
            .await
            .fails(1)
            .complains("(os error 2); a URL begins with http:// or https://\n");
    }
    // Nobody makes files there, not even root.
    run(&exporter, &folder, "core dump /sys/dump.raw")
        .await
        .fails(1)
        .complains("Error: cannot write to `/sys/dump.raw`: no file can be made in its folder: ");
    // It can be opened, but not read.
    run(&exporter, &folder, "core flash /proc/self/mem")
        .await
        .fails(1)
        .complains("Error: cannot read `/proc/self/mem`: Input/output error");
    exporter.notes("resource-1 was cut off after 0 bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_driver_says_counts_more_than_the_broken_stream() {
    let (exporter, folder) = lab().await;
    fs::write(folder.path().join("image.raw"), image(4_000_000)).unwrap();
    run(&exporter, &folder, "full flash image.raw")
        .await
        .fails(1)
        .says("Error: DriverCall 'flash' failed with gRPC INTERNAL: no space left on device\n");
}

/// Whether SIGINT would not simply kill a process any more.
fn handles_interrupts(id: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    caught & 1 << (Signal::SIGINT as i32 - 1) != 0
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_stuck_at_a_pipe_without_another_end() {
    let (exporter, folder) = lab().await;
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for words in ["core flash pipe", "core dump pipe"] {
        let mut program = inside(&exporter, &folder, words).0;
        let mut child = program.stderr(Stdio::piped()).spawn().unwrap();
        let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
        while !handles_interrupts(id) {
            sleep(Duration::from_millis(5)).await;
        }
        // There is nothing to see of a program that waits for the pipe.
        sleep(Duration::from_millis(300)).await;
        kill(id, Signal::SIGINT).unwrap();
        let ended = timeout(Duration::from_secs(30), child.wait()).await;
        let code = ended.expect("Ctrl-C ends it").unwrap().code();
        assert_eq!(code, Some(2), "{words}");
    }
    assert_eq!(exporter.calls(), [""; 0], "nothing was begun");

    // With somebody at the other end it is a file like any other.
    let mut program = inside(&exporter, &folder, "core flash pipe").0;
    let mut child = program.stderr(Stdio::null()).spawn().unwrap();
    let writing = tokio::task::spawn_blocking(move || fs::write(pipe, image(200_000)));
    assert!(child.wait().await.unwrap().success());
    writing.await.unwrap().unwrap();
    assert!(exporter.stored("core").unwrap() == image(200_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_there_only_when_it_is_whole() {
    let (exporter, folder) = lab().await;
    let path = folder.path().join("dump.raw");
    run(&exporter, &folder, "core dump dump.raw")
        .await
        .succeeds()
        .complains("INFO     received 292.97 KiB in ");
    assert!(fs::read(&path).unwrap() == image(300_000));
    let torn = run(&exporter, &folder, "torn dump dump.raw").await;
    torn.fails(1)
        .says("Error: DriverCall 'dump' failed with gRPC INTERNAL: the card was pulled out\n");
    assert!(
        fs::read(&path).unwrap() == image(300_000),
        "the old one stays"
    );
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");

    // It keeps its permissions, and a link stays a link.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("dump.raw", &link).unwrap();
    run(&exporter, &folder, "core dump link --target boot")
        .await
        .succeeds();
    assert_eq!(fs::read(&path).unwrap(), b"boot image");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    run(&exporter, &folder, "core dump /dev/null")
        .await
        .succeeds();
    let full = run(&exporter, &folder, "core dump /dev/full").await;
    full.fails(1)
        .complains("Error: cannot write to `/dev/full`: No space left on device");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_dump_may_leave() {
    let (exporter, folder) = lab().await;
    let script = format!("{} core dump - | head -c 5", env!("CARGO_BIN_EXE_j"));
    let outcome = Program::new("bash")
        .arg("-c")
        .arg(format!("set -o pipefail; {script}"))
        .inside(folder.path())
        .env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .0
        .output()
        .await
        .unwrap();
    assert_eq!(outcome.stdout, image(5));
    assert_eq!(outcome.status.code(), Some(1));
    assert_eq!(outcome.stderr, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_cannot_compress_gets_plain_data() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = Fake::new([driver("core", "jumpstarter.client.flasher.FlasherClient")])
        .plain()
        .stores("core", image(300_000))
        .serve()
        .await;
    for (name, magic) in [
        ("gzip", &b"\x1f\x8b\x08"[..]),
        ("xz", b"\xfd7zXZ\0"),
        ("bz2", b"BZh"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
    ] {
        let words = format!("core dump image.{name} --compression {name}");
        run(&exporter, &folder, &words).await.succeeds();
        let squeezed = fs::read(folder.path().join(format!("image.{name}"))).unwrap();
        assert!(squeezed.starts_with(magic), "{name}");
        // Archives of several parts are common: pigz and pbzip2 make them.
        let path = folder.path().join("two");
        fs::write(&path, [squeezed.clone(), squeezed.clone()].concat()).unwrap();
        let words = format!("core flash two --compression {name}");
        run(&exporter, &folder, &words).await.succeeds();
        let twice = [image(300_000), image(300_000)].concat();
        assert!(exporter.stored("core").unwrap() == twice, "{name}");

        fs::write(&path, &squeezed[..squeezed.len() / 2]).unwrap();
        run(&exporter, &folder, &words)
            .await
            .fails(1)
            .complains("Error: cannot read `two`: ");
        let unchanged = exporter.stored("core").unwrap();
        assert!(unchanged == twice, "{name}: half an archive is no archive");
        let words = format!("core flash image.{name} --compression {name}");
        run(&exporter, &folder, &words).await.succeeds();
        assert!(exporter.stored("core").unwrap() == image(300_000), "{name}");
    }
}
