//! Storage with paths.

use std::fs;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::fake::{Fake, Serving, driver};
use crate::{at, run};

async fn lab() -> Serving {
    Fake::new([driver(
        "s",
        "jumpstarter_driver_opendal.client.OpendalClient",
    )])
    .stores("a.img", "contents")
    .serve()
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_all_commands() {
    let exporter = lab().await;
    let help = run(&exporter, "s --help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Opendal Storage\n"), "{text}");
    for name in [
        "capability",
        "copy",
        "create-dir",
        "delete",
        "exists",
        "hash",
        "list",
        "presign-read",
        "presign-stat",
        "presign-write",
        "read-bytes",
        "read-into-path",
        "remove-all",
        "rename",
        "scan",
        "stat",
        "write-bytes",
        "write-from-path",
    ] {
        assert!(text.contains(&format!("\n  {name} ")), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_their_answers() {
    let exporter = lab().await;
    for (words, text) in [
        ("s exists a.img", ""),
        ("s hash a.img", "sha256-of-it\n"),
        ("s hash a.img --algo md5", "md5-of-it\n"),
        ("s list /", "/\na/\n"),
        ("s scan /", "/\na/\n"),
        (
            "s stat a.img",
            "{\n  \"content_disposition\": null,\n  \"content_length\": 5,\n  \
             \"content_md5\": null,\n  \"content_type\": null,\n  \"etag\": null,\n  \
             \"mode\": {\n    \"is_file\": true,\n    \"is_dir\": false\n  }\n}\n",
        ),
        (
            "s presign-read a --expire-second 60",
            "{\n  \"url\": \"http://files/a?e=60\",\n  \"method\": \"GET\",\n  \
             \"headers\": {\n    \"a\": \"1\",\n    \"b\": \"2\"\n  }\n}\n",
        ),
        (
            "s capability",
            "{\n  \"read\": true,\n  \"write_total_max_size\": null,\n  \"list\": false\n}\n",
        ),
    ] {
        run(&exporter, words).await.succeeds().prints(text).says("");
    }
    run(&exporter, "s exists missing")
        .await
        .fails(1)
        .says("Error: path missing does not exist\n");
    run(&exporter, "s hash a --algo crc")
        .await
        .fails(1)
        .complains("'crc' is not one of 'md5', 'sha256'.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_passed_on() {
    let exporter = lab().await;
    for words in [
        "s copy a b",
        "s rename b c",
        "s remove-all d/",
        "s create-dir e/",
        "s delete f",
    ] {
        run(&exporter, words).await.succeeds().prints("").says("");
    }
    assert_eq!(
        exporter.calls(),
        [
            r#"s.copy ["a","b"]"#,
            r#"s.rename ["b","c"]"#,
            r#"s.remove_all ["d/"]"#,
            r#"s.create_dir ["e/"]"#,
            r#"s.delete ["f"]"#,
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_come_and_go() {
    let exporter = lab().await;
    let folder = tempfile::tempdir().unwrap();
    run(&exporter, "s read-bytes a.img")
        .await
        .succeeds()
        .prints("contents");
    let copy = folder.path().join("copy");
    let words = format!("s read-into-path a.img {}", copy.display());
    run(&exporter, &words).await.succeeds();
    assert_eq!(fs::read(&copy).unwrap(), b"contents");
    let words = format!("s write-from-path b.img {}", copy.display());
    run(&exporter, &words).await.succeeds();
    assert_eq!(exporter.stored("b.img").unwrap(), b"contents");

    let mut program = at(&exporter).words("s write-bytes c.img").0;
    program.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"typed").await.unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    assert_eq!(exporter.stored("c.img").unwrap(), b"typed");
    let calls = exporter.calls();
    assert_eq!(calls[0], r#"s.open ["a.img","rb"]"#);
    assert!(calls[2].starts_with(r#"s.file_read ["a.img",{"kind":"client_stream""#));
    assert_eq!(calls[3], r#"s.file_close ["a.img"]"#);
    assert_eq!(calls[8], r#"s.open ["b.img","wb"]"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_closed_whatever_happens() {
    let exporter = lab().await;
    run(&exporter, "s read-bytes gone")
        .await
        .fails(1)
        .says("Error: DriverCall 'file_read' failed with gRPC INTERNAL: there is no gone\n");
    exporter.notes(r#"s.file_close ["gone"]"#).await;
    run(&exporter, "s read-bytes missing")
        .await
        .fails(1)
        .says("Error: DriverCall 'open' failed with gRPC UNKNOWN: NotFound at open\n");
    run(&exporter, "s write-from-path x https://h/y%20z")
        .await
        .succeeds();
    let calls = exporter.calls();
    assert!(
        calls
            .iter()
            .any(|call| call.contains(r#""url":"https://h/y%20z""#))
    );
    assert_eq!(calls.last().unwrap(), r#"s.file_close ["x"]"#);
}
