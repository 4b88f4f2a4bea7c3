//! What the exporter does for a driver: its children, its folder, data of the client, the log.

#![allow(clippy::unwrap_used, missing_docs)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, TryStreamExt};
use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{
    ByteStream, Code, Context, Driver, Error, MessageStream, NoConfig, Resource, Result, driver,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::Instrument;

/// Uses a child `port`.
struct Flasher {
    cx: Context,
}

impl Driver for Flasher {
    type Config = NoConfig;

    async fn open(_: NoConfig, cx: Context) -> Result<Self> {
        Ok(Self { cx })
    }
}

#[driver(type = "test.Flasher")]
impl Flasher {
    #[export]
    async fn children(&self) -> Result<Vec<String>> {
        let children = self.cx.children().await?;
        let text =
            |child: &jumpstarter_driver::ChildInfo| format!("{}: {}", child.name, child.type_name);
        Ok(children.iter().map(text).collect())
    }

    #[export]
    async fn add(&self, a: f64, b: f64) -> Result<f64> {
        self.cx.child("port").call("add", (a, b)).await
    }

    #[export]
    async fn wrong_result(&self) -> Result<bool> {
        self.cx.child("port").call("add", (1, 2)).await
    }

    #[export]
    async fn sum(&self, upto: u32) -> Result<u32> {
        let numbers = self.cx.child("port").stream::<u32>("upto", (upto,)).await?;
        numbers.try_fold(0, async |sum, n| Ok(sum + n)).await
    }

    #[export]
    async fn first_error(&self) -> Result<u32> {
        let mut numbers = self.cx.child("port").stream::<u32>("breaks", ()).await?;
        while numbers.try_next().await?.is_some() {}
        Ok(0)
    }

    #[export]
    async fn ask(&self, text: String) -> Result<String> {
        let mut io = self.cx.child("port").connect("reverse", ()).await?;
        io.write_all(text.as_bytes()).await?;
        io.shutdown().await?;
        let mut answer = String::new();
        io.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[export]
    async fn ask_in_pieces(&self, texts: Vec<String>) -> Result<Vec<String>> {
        let mut io = self.cx.child("port").connect_messages("length", ()).await?;
        let mut lengths = Vec::new();
        for text in texts {
            io.send(text.as_bytes()).await?;
            let length = io.recv().await?.unwrap_or_default();
            lengths.push(String::from_utf8(length)?);
        }
        Ok(lengths)
    }

    #[export]
    async fn mistakes_it(&self) -> Result<()> {
        let stream = self.cx.child("port").connect_messages("reverse", ()).await;
        stream.map(drop)
    }

    #[export]
    async fn hang_below(&self) -> Result<()> {
        self.cx.child("port").call("hang", ()).await
    }

    #[export]
    async fn folder(&self) -> Result<PathBuf> {
        self.cx.session_folder().await
    }

    /// Reads the image.
    #[export]
    async fn flash(&self, image: Resource, target: Option<String>) -> Result<u64> {
        let mut data = Vec::new();
        let size = image.read().await?.copy_to(&mut data).await?;
        tracing::info!(
            size,
            target = target.as_deref(),
            huge = u64::MAX,
            ok = data.iter().all(|byte| byte.is_ascii_digit()),
            "flashed"
        );
        Ok(size)
    }

    /// Writes so many numbers.
    #[export]
    async fn dump(&self, target: Resource, count: usize) -> Result<u64> {
        let data = "0123456789".repeat(count);
        target.write().await?.copy_from(&mut data.as_bytes()).await
    }

    #[export]
    async fn spans(&self) -> Result<()> {
        let span = tracing::info_span!("work", step = 1);
        tokio::spawn(async { tracing::warn!("from a task") }.instrument(span)).await?;
        tokio::spawn(async { tracing::warn!("from nowhere") }).await?;
        Ok(())
    }
}

struct Port {
    given_up: Arc<AtomicUsize>,
}

impl Driver for Port {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self {
            given_up: Arc::default(),
        })
    }
}

struct GivenUp(Arc<AtomicUsize>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[driver(type = "test.Port")]
impl Port {
    #[export]
    async fn add(&self, a: f64, b: f64) -> Result<f64> {
        Ok(a + b)
    }

    #[export(stream)]
    fn upto(&self, upto: u32) -> impl Stream<Item = Result<u32>> {
        stream::iter((0..upto).map(Ok))
    }

    #[export(stream)]
    fn breaks(&self) -> impl Stream<Item = Result<u32>> {
        stream::iter([Ok(1), Err(Error::timeout("too slow"))])
    }

    #[export(bytes)]
    async fn reverse(&self, mut io: ByteStream) -> Result<()> {
        let mut text = Vec::new();
        io.read_to_end(&mut text).await?;
        text.reverse();
        io.write_all(&text).await?;
        Ok(())
    }

    #[export(bytes)]
    async fn length(&self, mut io: MessageStream) -> Result<()> {
        while let Some(message) = io.recv().await? {
            io.send(message.len().to_string().as_bytes()).await?;
        }
        Ok(())
    }

    #[export]
    async fn hang(&self) -> Result<()> {
        let _given_up = GivenUp(Arc::clone(&self.given_up));
        std::future::pending().await
    }

    #[export(quick)]
    async fn given_up(&self) -> Result<usize> {
        Ok(self.given_up.load(Ordering::SeqCst))
    }
}

fn lab() -> (Host, Opened, Opened) {
    let host = Host::new();
    let port = host.open::<Port>(json!({})).unwrap();
    host.child("port", &port);
    let flasher = host.open::<Flasher>(json!({})).unwrap();
    (host, flasher, port)
}

#[test]
fn a_driver_uses_its_child() {
    let (_host, flasher, _port) = lab();
    assert_eq!(
        flasher.call::<Vec<String>>("children", ()).unwrap(),
        ["port: test.Port"]
    );
    assert_eq!(flasher.call::<f64>("add", (1, 2.5)).unwrap(), 3.5);
    assert_eq!(flasher.call::<u32>("sum", (200,)).unwrap(), 19_900);
    assert_eq!(flasher.call::<String>("ask", ("abc",)).unwrap(), "cba");
    let texts = ["abc", "de"];
    assert_eq!(
        flasher
            .call::<Vec<String>>("ask_in_pieces", (texts,))
            .unwrap(),
        ["3", "2"]
    );
    let error = flasher.call::<()>("mistakes_it", ()).unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
}

#[test]
fn errors_of_a_child_are_passed_on() {
    let (_host, flasher, port) = lab();
    assert_eq!(
        flasher.call::<u32>("first_error", ()).unwrap_err(),
        Error::timeout("too slow")
    );
    assert_eq!(
        flasher
            .call::<bool>("wrong_result", ())
            .unwrap_err()
            .message(),
        "port.add(): result: invalid type: number 3, expected a boolean"
    );
    port.close().unwrap();
    assert_eq!(
        flasher.call::<f64>("add", (1, 2)).unwrap_err().code(),
        Code::Unavailable
    );
    let lonely = Host::new();
    let flasher = lonely.open::<Flasher>(json!({})).unwrap();
    assert_eq!(
        flasher.call::<f64>("add", (1, 2)).unwrap_err(),
        Error::not_found("there is no child `port`")
    );
}

#[test]
fn giving_up_a_call_gives_up_the_one_below() {
    let (_host, flasher, port) = lab();
    let limit = Duration::from_millis(100);
    let result = flasher.call_within::<()>(limit, "hang_below", ());
    assert_eq!(result.unwrap_err().code(), Code::DeadlineExceeded);
    let patience = Instant::now() + Duration::from_secs(10);
    while port.call::<usize>("given_up", ()).unwrap() == 0 {
        assert!(Instant::now() < patience, "the port still hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_session_folder_is_private_and_goes_away() {
    let (host, flasher, port) = lab();
    let folder: PathBuf = flasher.call("folder", ()).unwrap();
    assert_eq!(folder, host.folder().unwrap());
    let mode = folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    std::fs::write(folder.join("file"), "x").unwrap();
    drop((host, flasher, port));
    assert!(!folder.exists());
}

#[test]
fn data_of_the_client_goes_both_ways() {
    let (host, flasher, _port) = lab();
    let image = b"0123456789".repeat(100_000);
    let data = host.data(image.clone());
    assert_eq!(
        flasher.call::<usize>("flash", (&data, "emmc")).unwrap(),
        image.len()
    );
    let line = host.lines().pop().unwrap();
    assert_eq!(
        Value::Object(line.fields),
        json!({
            "size": image.len(),
            "target": "emmc",
            "huge": u64::MAX.to_string(),
            "ok": true,
        })
    );
    let error = flasher.call::<usize>("flash", (&data,)).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "it can be taken once");

    let target = host.data("");
    flasher.call::<u64>("dump", (&target, 100_000)).unwrap();
    assert!(target.written().unwrap() == image);

    let error = flasher.call::<usize>("flash", ("no handle",)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().starts_with("flash(): argument 1 (image): "));
}

#[test]
fn lines_belong_to_the_driver_whose_span_it_is() {
    let (host, flasher, _port) = lab();
    flasher.call::<()>("spans", ()).unwrap();
    assert_eq!(host.messages(), ["from a task"]);
    assert_eq!(host.lines()[0].driver, "Flasher");
}
