//! Byte streams: opening, both directions, half-close, ends and failures.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use jumpstarter_driver::test::{Connection, Host, Opened};
use jumpstarter_driver::{ByteStream, Code, Context, Driver, Error, NoConfig, Result, driver};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Console;

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

/// Uses the console of the other driver.
struct Terminal(Context);

impl Driver for Terminal {
    type Config = NoConfig;

    async fn open(_: NoConfig, cx: Context) -> Result<Self> {
        Ok(Self(cx))
    }
}

#[driver(type = "test.Terminal")]
impl Terminal {
    #[export]
    async fn use_it(&self) -> Result<String> {
        let mut text = String::new();
        let mut io = self.0.child("console").connect("breaks", ()).await?;
        io.read_to_string(&mut text).await?;
        Ok(text)
    }
}

impl Driver for Console {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[driver(type = "test.Console")]
impl Console {
    /// Sends everything back in capitals, until the other side has no more, then says goodbye.
    #[export(bytes)]
    async fn shout(&self, prompt: Option<String>, mut io: ByteStream) -> Result<()> {
        io.write_all(prompt.unwrap_or_default().as_bytes()).await?;
        let mut buffer = [0; 4096];
        loop {
            match io.read(&mut buffer).await? {
                0 => break,
                n => {
                    buffer[..n].make_ascii_uppercase();
                    io.write_all(&buffer[..n]).await?;
                }
            }
        }
        io.write_all(b" bye").await?;
        io.shutdown().await?;
        Ok(())
    }

    #[export(bytes)]
    async fn no_device(&self, _io: ByteStream) -> Result<()> {
        tokio::task::yield_now().await;
        Err(Error::unavailable("no such port"))
    }

    #[export(bytes)]
    async fn breaks(&self, mut io: ByteStream) -> Result<()> {
        io.write_all(b"a little").await?;
        Err(Error::internal("the cable was pulled"))
    }

    /// Sends everything back, with a task for each direction.
    #[export(bytes)]
    async fn halves(&self, io: ByteStream) -> Result<()> {
        let (mut reader, mut writer) = io.into_split();
        let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<u8>>(2);
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let size = reader.read(&mut buffer).await?;
                if size == 0 || sender.send(buffer[..size].to_vec()).await.is_err() {
                    return std::io::Result::Ok(reader);
                }
            }
        });
        while let Some(piece) = pieces.recv().await {
            writer.write_all(&piece).await?;
        }
        // The reading half lives on, and the other side sees the end all the same.
        let reader = reading.await??;
        drop(writer);
        std::future::pending::<()>().await;
        drop(reader);
        Ok(())
    }

    /// Says hello and waits; notes when it is dropped.
    #[export(bytes)]
    async fn waits(&self, mut io: ByteStream) -> Result<()> {
        let _note = OnDrop;
        io.write_all(b"hello").await?;
        std::future::pending().await
    }

    #[export(bytes)]
    async fn breaks_late(&self, mut io: ByteStream) -> Result<()> {
        io.write_all(b"x").await?;
        io.read_to_end(&mut Vec::new()).await?;
        panic!("no more")
    }

    #[export(bytes)]
    async fn silent(&self, io: ByteStream) -> Result<()> {
        std::future::pending::<()>().await;
        drop(io);
        Ok(())
    }

    #[export(bytes)]
    async fn forgets(&self, io: ByteStream) -> Result<()> {
        drop(io);
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(Error::internal("forgot it"))
    }

    #[export(bytes)]
    async fn panics(&self, _io: ByteStream) -> Result<()> {
        panic!("no console")
    }

    #[export(bytes)]
    async fn own(&self, greeting: String) -> Result<OwnedFd> {
        let (mut ours, theirs) = UnixStream::pair()?;
        ours.write_all(greeting.as_bytes())?;
        Ok(theirs.into())
    }

    #[export(bytes)]
    fn own_blocking(&self) -> std::io::Result<OwnedFd> {
        let (mut ours, theirs) = UnixStream::pair()?;
        ours.write_all(b"blocking")?;
        Ok(theirs.into())
    }

    #[export(bytes)]
    async fn no_socket(&self) -> Result<OwnedFd> {
        Ok(File::open("/dev/null")?.into())
    }
}

fn console(host: &Host) -> Opened {
    host.open::<Console>(json!({})).unwrap()
}

fn rest(mut stream: Connection) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn bytes_go_both_ways_and_half_close_is_passed_on() {
    let host = Host::new();
    let console = console(&host);
    let mut stream = console.connect("shout", ("> ",)).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.finish().unwrap();
    assert_eq!(rest(stream), "> HELLO bye");
}

#[test]
fn several_streams_do_not_mix() {
    let host = Host::new();
    let console = console(&host);
    let mut streams: Vec<_> = (0..8)
        .map(|_| console.connect("shout", ()).unwrap())
        .collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        write!(stream, "x{n}").unwrap();
        stream.finish().unwrap();
    }
    for (n, stream) in streams.into_iter().enumerate() {
        assert_eq!(rest(stream), format!("X{n} bye"));
    }
}

#[test]
fn a_device_that_cannot_be_opened_is_an_error_of_the_call() {
    let host = Host::new();
    let console = console(&host);
    let error = console.connect("no_device", ()).unwrap_err();
    assert_eq!(error, Error::unavailable("no such port"));
    let error = console.connect("panics", ()).unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: no console"));
    let error = console.connect("forgets", ()).unwrap_err();
    assert_eq!(error, Error::internal("forgot it"));
}

#[test]
fn a_later_error_ends_the_stream_and_is_its_outcome() {
    let host = Host::new();
    let console = console(&host);
    let mut stream = console.connect("breaks", ()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a little");
    let outcome = stream.outcome();
    assert_eq!(outcome, Err(Error::internal("the cable was pulled")));
    assert!(host.messages().is_empty(), "whoever asked knows");
}

#[test]
fn halves_are_for_two_tasks() {
    let host = Host::new();
    let console = console(&host);
    let stream = console.connect("halves", ()).unwrap();
    let data: Vec<u8> = (0..10_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut received = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&data).unwrap();
            stream.finish().unwrap();
        });
        (&stream).read_to_end(&mut received).unwrap();
    });
    assert!(received == data);
}

#[test]
fn the_outcome_is_what_the_method_returns() {
    let host = Host::new();
    let console = console(&host);
    let stream = console.connect("shout", ()).unwrap();
    stream.finish().unwrap();
    stream.outcome().unwrap();
    let stream = console.connect("breaks_late", ()).unwrap();
    stream.finish().unwrap();
    let panicked = Error::internal("the driver panicked: no more");
    assert_eq!(stream.outcome(), Err(panicked));
    let stream = console.connect("own", ("hi",)).unwrap();
    assert_eq!(stream.outcome(), Ok(()), "nothing is known about it");
}

#[test]
fn a_method_that_does_not_notice_is_given_up() {
    let host = Host::new();
    let console = console(&host);
    let mut stream = console.connect("waits", ()).unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    assert!(host.messages().is_empty());
    let outcome = stream.hang_up();
    assert_eq!(
        outcome,
        Err(Error::cancelled("the byte stream was given up"))
    );
    assert_eq!(host.messages(), ["dropped"]);
    // One that notices ends in its own way.
    let stream = console.connect("shout", ("> ",)).unwrap();
    let error = stream.hang_up().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "it could not say goodbye");
}

#[test]
fn closing_the_driver_ends_its_streams() {
    let host = Host::new();
    let console = console(&host);
    let stream = console.connect("waits", ()).unwrap();
    console.close().unwrap();
    let closed = Error::cancelled("the driver is closed");
    assert_eq!(stream.outcome(), Err(closed));
    assert_eq!(host.messages(), ["dropped"]);
}

#[test]
fn ends_that_nobody_asks_about_are_logged() {
    let host = Host::new();
    let console = console(&host);
    host.child("console", &console);
    let terminal = host.open::<Terminal>(json!({})).unwrap();
    for _ in 0..70 {
        assert_eq!(terminal.call::<String>("use_it", ()).unwrap(), "a little");
    }
    // Some are kept, as the host might still ask.
    let logged = host.messages().len();
    assert!((5..=6).contains(&logged), "{logged}");
    console.close().unwrap();
    let text = "breaks(): the byte stream ended: the cable was pulled";
    assert_eq!(host.messages(), vec![text; 70]);
    assert!(host.lines().iter().all(|line| line.driver == "Console"));
}

#[test]
fn a_method_that_says_nothing_is_connected_after_a_while() {
    let host = Host::new();
    let console = console(&host);
    let begun = Instant::now();
    let stream = console.connect("silent", ()).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900));
    console.close().unwrap();
    assert_eq!(rest(stream), "", "closing the driver ends its streams");
}

#[test]
fn sockets_of_the_driver_are_passed_on() {
    let host = Host::new();
    let console = console(&host);
    assert_eq!(rest(console.connect("own", ("hi",)).unwrap()), "hi");
    assert_eq!(
        rest(console.connect("own_blocking", ()).unwrap()),
        "blocking"
    );
    let error = console.connect("no_socket", ()).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(error.message().contains("no socket"), "{error}");
    let error = console.connect("own", ()).unwrap_err();
    assert_eq!(error.message(), "own(): argument 1 (greeting): missing");
}
