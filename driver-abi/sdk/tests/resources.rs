//! Data of the client: whole, broken off, given up, and with plain `fn`s.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{Read, Write};

use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{Code, Context, Driver, Error, NoConfig, Resource, Result, driver};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};

const MIB: usize = 1 << 20;

struct Disk;

impl Driver for Disk {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

fn sum(data: &[u8]) -> u64 {
    data.iter().map(|byte| u64::from(*byte)).sum()
}

#[driver(type = "test.Disk")]
impl Disk {
    #[export]
    async fn flash(&self, image: Resource) -> Result<(u64, u64)> {
        let mut data = Vec::new();
        let size = image.read().await?.copy_to(&mut data).await?;
        Ok((size, sum(&data)))
    }

    #[export]
    fn flash_blocking(&self, image: Resource) -> Result<(u64, u64)> {
        let mut data = Vec::new();
        let size = image.blocking_read()?.copy_to(&mut data)?;
        Ok((size, sum(&data)))
    }

    /// With tools that know nothing of resources; the error goes through them.
    #[export]
    async fn flash_with_tools(&self, image: Resource) -> Result<u64> {
        let mut reader = tokio::io::BufReader::new(image.read().await?);
        let mut sink = tokio::io::sink();
        Ok(tokio::io::copy(&mut reader, &mut sink).await?)
    }

    #[export]
    async fn flash_on_a_thread(&self, image: Resource) -> Result<(u64, u64)> {
        let mut reader = image.read().await?.blocking()?;
        let read = move || {
            let mut data = Vec::new();
            let size = reader.read_to_end(&mut data)? as u64;
            Ok((size, sum(&data)))
        };
        tokio::task::spawn_blocking(read).await?
    }

    /// What comes after the end.
    #[export]
    async fn insists(&self, image: Resource) -> Result<Vec<String>> {
        let mut reader = image.read().await?;
        let mut said = Vec::new();
        let mut data = Vec::new();
        for _ in 0..3 {
            said.push(match reader.read_to_end(&mut data).await {
                Ok(size) => size.to_string(),
                Err(error) => error.to_string(),
            });
        }
        Ok(said)
    }

    #[export]
    async fn looks(&self, image: Resource) -> Result<Vec<u8>> {
        let mut start = vec![0; 4];
        image.read().await?.read_exact(&mut start).await?;
        Ok(start)
    }

    #[export]
    async fn dump(&self, target: Resource, size: usize) -> Result<u64> {
        let data = vec![7; size];
        target.write().await?.copy_from(&mut data.as_slice()).await
    }

    #[export]
    fn dump_blocking(&self, target: Resource, size: usize) -> Result<()> {
        let mut target = target.blocking_write()?;
        target.write_all(&vec![7; size])?;
        target.finish()
    }

    #[export]
    fn copy_blocking(&self, target: Resource, size: usize) -> Result<u64> {
        let mut data = std::io::repeat(7).take(size as u64);
        target.blocking_write()?.copy_from(&mut data)
    }

    /// Whatever wraps a writer finishes it with `shutdown`.
    #[export]
    async fn dump_with_tools(&self, target: Resource, size: usize) -> Result<()> {
        let mut writer = BufWriter::new(target.write().await?);
        for _ in 0..size {
            writer.write_u8(7).await?;
        }
        Ok(writer.shutdown().await?)
    }

    #[export]
    async fn dump_and_give_up(&self, target: Resource) -> Result<()> {
        target.write().await?.write_all(b"the first sector").await?;
        Err(Error::internal("the second sector is bad"))
    }

    /// The source breaks in the middle.
    #[export]
    async fn dump_bad_disk(&self, target: Resource) -> Result<u64> {
        let bad = Error::unavailable("bad sector").into();
        let mut source = tokio::io::AsyncReadExt::chain(&b"good"[..], Bad(Some(bad)));
        target.write().await?.copy_from(&mut source).await
    }

    #[export]
    async fn writes_on(&self, target: Resource) -> Result<Vec<String>> {
        let mut writer = target.write().await?;
        writer.shutdown().await?;
        let mut said = Vec::new();
        for _ in 0..2 {
            said.push(writer.write_all(b"more").await.unwrap_err().to_string());
        }
        Ok(said)
    }
}

struct Bad(Option<std::io::Error>);

impl tokio::io::AsyncRead for Bad {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(self.0.take().map_or(Ok(()), Err))
    }
}

fn disk(host: &Host) -> Opened {
    host.open::<Disk>(json!({})).unwrap()
}

#[test]
fn all_of_it_is_read() {
    let host = Host::new();
    let disk = disk(&host);
    for method in ["flash", "flash_blocking", "flash_on_a_thread"] {
        for size in [0, 1, 4096, 5 * MIB + 3] {
            let data: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let read: (u64, u64) = disk.call(method, (&host.data(data.clone()),)).unwrap();
            assert_eq!(read, (size as u64, sum(&data)), "{method}");
        }
    }
    let said: Vec<String> = disk.call("insists", (&host.data("abc"),)).unwrap();
    assert_eq!(said, ["3", "0", "0"]);
}

#[test]
fn data_that_is_not_whole_is_an_error_with_its_reason() {
    let host = Host::new();
    let disk = disk(&host);
    let reason = Error::failed_precondition("the client went away");
    for method in [
        "flash",
        "flash_blocking",
        "flash_on_a_thread",
        "flash_with_tools",
    ] {
        for broken_at in [0, 10, 2 * MIB] {
            let data = host
                .data(vec![1; 3 * MIB])
                .failing_after(broken_at, reason.clone());
            let error = disk
                .call::<serde_json::Value>(method, (&data,))
                .unwrap_err();
            assert_eq!(error, reason, "{method} broken at {broken_at}");
        }
    }
    let data = host.data("abc").failing_after(2, reason);
    let said: Vec<String> = disk.call("insists", (&data,)).unwrap();
    assert_eq!(said, ["the client went away"; 3]);
}

#[test]
fn a_reader_may_stop_early() {
    let host = Host::new();
    let disk = disk(&host);
    let data = host.data(vec![9; 5 * MIB]);
    assert_eq!(disk.call::<Vec<u8>>("looks", (&data,)).unwrap(), [9; 4]);
}

#[test]
fn all_of_it_is_written() {
    let host = Host::new();
    let disk = disk(&host);
    for method in ["dump", "dump_blocking", "copy_blocking", "dump_with_tools"] {
        for size in [0, 1, 300_000, 5 * MIB] {
            let target = host.data("");
            disk.call::<serde_json::Value>(method, (&target, size))
                .unwrap();
            assert!(
                target.written().unwrap() == vec![7; size],
                "{method} {size}"
            );
        }
    }
}

#[test]
fn a_writer_that_is_not_finished_gives_up() {
    let host = Host::new();
    let disk = disk(&host);
    let target = host.data("");
    let error = disk.call::<()>("dump_and_give_up", (&target,)).unwrap_err();
    assert_eq!(error, Error::internal("the second sector is bad"));
    assert_eq!(target.written().unwrap_err().code(), Code::Cancelled);
    let target = host.data("");
    let error = disk.call::<u64>("dump_bad_disk", (&target,)).unwrap_err();
    assert_eq!(error, Error::unavailable("bad sector"));
    assert_eq!(target.written().unwrap_err().code(), Code::Cancelled);
}

#[test]
fn a_client_that_takes_no_more_is_an_error_with_its_reason() {
    let host = Host::new();
    let disk = disk(&host);
    let reason = Error::unavailable("the web server refused it: 507 Insufficient Storage");
    for method in ["dump", "dump_blocking", "copy_blocking", "dump_with_tools"] {
        for (size, broken_at) in [(0, 10), (10, 10), (5 * MIB, 0), (5 * MIB, 2 * MIB)] {
            let target = host.data("").failing_after(broken_at, reason.clone());
            let written = disk.call::<serde_json::Value>(method, (&target, size));
            assert_eq!(written.unwrap_err(), reason, "{method} {size}");
            assert_eq!(target.written().unwrap_err(), reason);
        }
    }
}

#[test]
fn a_resource_is_taken_once_and_in_one_direction() {
    let host = Host::new();
    let disk = disk(&host);
    let data = host.data("abc");
    disk.call::<(u64, u64)>("flash", (&data,)).unwrap();
    let error = disk.call::<u64>("dump", (&data, 1)).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(data.written().unwrap_err().code(), Code::FailedPrecondition);
    let said: Vec<String> = disk.call("writes_on", (&host.data(""),)).unwrap();
    assert_eq!(said, ["the resource is finished"; 2]);
    assert_eq!(
        host.data("never taken").written().unwrap_err().code(),
        Code::FailedPrecondition
    );
}
