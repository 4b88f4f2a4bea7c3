//! Streams of messages: boundaries, sizes, both directions, ends.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{Code, Context, Driver, Error, MessageStream, NoConfig, Result, driver};
use serde_json::json;

struct Bus;

impl Driver for Bus {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[driver(type = "test.Bus")]
impl Bus {
    /// Sends every message back, then the number of them.
    #[export(bytes)]
    async fn echo(&self, mut io: MessageStream) -> Result<()> {
        let mut count = 0;
        while let Some(message) = io.recv().await? {
            io.send(&message).await?;
            count += 1;
        }
        io.send(format!("{count} messages").as_bytes()).await?;
        Ok(())
    }

    /// The same with a task for each direction.
    #[export(bytes)]
    async fn halves(&self, greeting: Option<String>, io: MessageStream) -> Result<()> {
        let (mut reader, mut writer) = io.into_split();
        let (sender, mut messages) = tokio::sync::mpsc::channel(2);
        writer.send(greeting.unwrap_or_default().as_bytes()).await?;
        let reading = tokio::spawn(async move {
            while let Some(message) = reader.recv().await? {
                if sender.send(message).await.is_err() {
                    break;
                }
            }
            std::io::Result::Ok(reader)
        });
        while let Some(message) = messages.recv().await {
            writer.send(&message).await?;
        }
        let reader = reading.await??;
        drop(writer);
        std::future::pending::<()>().await;
        drop(reader);
        Ok(())
    }

    /// The largest message, and one more byte.
    #[export(bytes)]
    async fn largest(&self, mut io: MessageStream) -> Result<()> {
        let mut message = vec![5; io.max_message()];
        io.send(&message).await?;
        message.push(5);
        Ok(io.send(&message).await?)
    }

    /// Takes what is there all at once, and sends only what fits.
    #[export(bytes)]
    async fn batches(&self, mut io: MessageStream) -> Result<()> {
        let mut batch = Vec::new();
        while let Some(message) = io.recv().await? {
            batch.extend(message);
            loop {
                match io.try_recv() {
                    Ok(Some(more)) => batch.extend(more),
                    Ok(None) => break,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        io.send(&batch).await?;
        let mut fit = 0_u32;
        while io.try_send(&[0; 1024]).is_ok() {
            fit += 1;
        }
        tracing::info!("{fit}");
        Ok(())
    }

    #[export(bytes)]
    async fn no_device(&self, _io: MessageStream) -> Result<()> {
        Err(Error::unavailable("no such bus"))
    }

    #[export(bytes)]
    fn udp(&self, port: u16) -> Result<OwnedFd> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(("127.0.0.1", port))?;
        Ok(socket.into())
    }
}

fn bus(host: &Host) -> Opened {
    host.open::<Bus>(json!({})).unwrap()
}

#[test]
fn messages_stay_apart() {
    let host = Host::new();
    let bus = bus(&host);
    let io = bus.connect_messages("echo", ()).unwrap();
    let sizes = [1, 2, 100, 65_536, 1, 65_507, 300_000];
    for size in sizes {
        io.send(&vec![size as u8; size]).unwrap();
        assert!(io.recv().unwrap() == Some(vec![size as u8; size]));
    }
    for n in 0..100_u8 {
        io.send(&[n]).unwrap();
    }
    io.finish().unwrap();
    for n in 0..100_u8 {
        assert_eq!(io.recv().unwrap(), Some(vec![n]));
    }
    assert_eq!(io.recv().unwrap(), Some(b"107 messages".to_vec()));
    assert_eq!(io.recv().unwrap(), None);
    io.outcome().unwrap();
}

#[test]
fn halves_are_for_two_tasks_and_wait_for_each_other() {
    let host = Host::new();
    let bus = bus(&host);
    let io = bus.connect_messages("halves", ("hi",)).unwrap();
    let message = |n: usize| vec![n as u8; 1 + n * 37 % 50_000];
    std::thread::scope(|scope| {
        let reader = &io;
        scope.spawn(move || {
            assert_eq!(reader.recv().unwrap(), Some(b"hi".to_vec()));
            for n in 0..2000 {
                assert!(reader.recv().unwrap() == Some(message(n)), "{n}");
            }
            assert_eq!(reader.recv().unwrap(), None);
        });
        for n in 0..2000 {
            io.send(&message(n)).unwrap();
        }
        io.finish().unwrap();
    });
    assert_eq!(io.hang_up().unwrap_err().code(), Code::Cancelled);
}

#[test]
fn a_message_that_is_too_large_is_an_error_that_says_so() {
    let host = Host::new();
    let bus = bus(&host);
    let io = bus.connect_messages("largest", ()).unwrap();
    let size = io.recv().unwrap().unwrap().len();
    assert!(size >= 65_536, "{size}");
    assert_eq!(io.recv().unwrap(), None);
    let error = io.outcome().unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let text = format!(
        "a message of {} bytes is too large, up to {size} fit",
        size + 1
    );
    assert_eq!(error.message(), text);
}

#[test]
fn many_messages_can_be_taken_at_once() {
    let host = Host::new();
    let bus = bus(&host);
    let io = bus.connect_messages("batches", ()).unwrap();
    for letter in b"abcdef" {
        io.send(&[*letter]).unwrap();
    }
    io.finish().unwrap();
    assert_eq!(io.recv().unwrap(), Some(b"abcdef".to_vec()));
    let patience = Instant::now() + Duration::from_secs(10);
    while host.messages().is_empty() {
        assert!(Instant::now() < patience, "it never runs out of room");
        std::thread::sleep(Duration::from_millis(1));
    }
    let fit: u32 = host.messages()[0].parse().unwrap();
    let mut arrived = 0;
    while io.recv().unwrap().is_some() {
        arrived += 1;
    }
    assert_eq!(arrived, fit, "what fitted has arrived");
    io.outcome().unwrap();
}

#[test]
fn a_device_that_cannot_be_opened_is_an_error_of_the_call() {
    let host = Host::new();
    let bus = bus(&host);
    let error = bus.connect_messages("no_device", ()).unwrap_err();
    assert_eq!(error, Error::unavailable("no such bus"));
}

#[test]
fn datagrams_of_a_device_are_passed_on() {
    let host = Host::new();
    let bus = bus(&host);
    let device = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = device.local_addr().unwrap().port();
    let io = bus.connect_messages("udp", (port,)).unwrap();
    io.send(b"ping").unwrap();
    let mut buffer = [0; 16];
    let (size, from) = device.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..size], b"ping");
    device.send_to(b"pong", from).unwrap();
    assert_eq!(io.recv().unwrap(), Some(b"pong".to_vec()));
}
