//! A driver that misbehaves on request, for testing hosts.
//!
//! `config: {fault: NAME}` chooses a fault in the driver's life (`Fault`); the methods are faults
//! of their own. Everything here is what an honest driver may do by mistake: it is written with the
//! SDK. What only a broken SDK could do is in `test-rotten-abi`.

use std::panic::panic_any;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jumpstarter_driver::{
    ByteStream, Context, Driver, Error, Result, Schema, Stream, driver, plugin,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// A driver that misbehaves.
#[derive(Debug)]
pub struct Rotten {
    fault: Fault,
}

/// What goes wrong, and when.
#[derive(Debug, Default, Deserialize, PartialEq, Schema)]
#[serde(rename_all = "snake_case")]
enum Fault {
    /// Nothing: the control.
    #[default]
    None,
    /// Opening fails with a reason.
    OpenError,
    /// Opening panics.
    OpenPanic,
    /// Opening never ends.
    OpenHang,
    /// Closing panics.
    ClosePanic,
    /// Closing never ends.
    CloseHang,
    /// The driver's `Drop` panics.
    DropPanic,
}

/// The `config` block.
#[derive(Debug, Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What goes wrong in the driver's life.
    #[serde(default)]
    fault: Fault,
}

/// A panic payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload of the panic panicked");
    }
}

impl Driver for Rotten {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        match config.fault {
            Fault::OpenError => return Err(Error::unavailable("the device is not plugged in")),
            Fault::OpenPanic => panic!("open went wrong"),
            Fault::OpenHang => sleep(FOR_EVER).await,
            _ => {}
        }
        Ok(Self {
            fault: config.fault,
        })
    }

    async fn close(&self) {
        match self.fault {
            Fault::ClosePanic => panic!("close went wrong"),
            Fault::CloseHang => sleep(FOR_EVER).await,
            _ => {}
        }
    }
}

impl Drop for Rotten {
    fn drop(&mut self) {
        assert!(self.fault != Fault::DropPanic, "drop went wrong");
    }
}

/// A driver that misbehaves on request.
#[driver(
    type = "jumpstarter_driver_test_rotten.driver.Rotten",
    client = "jumpstarter_driver_test_rotten.client.RottenClient"
)]
impl Rotten {
    /// Works.
    #[export]
    async fn echo(&self, text: String) -> Result<String> {
        Ok(text)
    }

    /// Indexes past the end of a list.
    #[export]
    async fn panic(&self) -> Result<u8> {
        let empty: Vec<u8> = Vec::new();
        Ok(empty[3])
    }

    /// Panics on the blocking pool.
    #[export]
    fn panic_blocking(&self) -> Result<()> {
        panic!("a blocking method went wrong")
    }

    /// Panics on the thread that came in.
    #[export(quick)]
    async fn panic_quick(&self) -> Result<()> {
        panic!("a quick method went wrong")
    }

    /// Panics with a payload that panics when it is dropped.
    #[export]
    async fn panic_twice(&self) -> Result<()> {
        panic_any(Bomb)
    }

    /// Never answers.
    #[export]
    async fn hang(&self) -> Result<()> {
        sleep(FOR_EVER).await;
        Ok(())
    }

    /// Sleeps on a thread of the plugin's runtime.
    #[export]
    async fn block(&self, milliseconds: u64) -> Result<()> {
        std::thread::sleep(Duration::from_millis(milliseconds));
        Ok(())
    }

    /// Answers with a number that no client could read exactly.
    #[export]
    async fn too_big(&self) -> Result<u64> {
        Ok(u64::MAX)
    }

    /// Two items, then an error.
    #[export(stream)]
    fn fail_after_two(&self) -> impl Stream<Item = Result<u32>> + use<> {
        stream::iter([Ok(1), Ok(2), Err(Error::internal("the third went wrong"))])
    }

    /// One item, then a panic.
    #[export(stream)]
    fn panic_after_one(&self) -> impl Stream<Item = Result<u32>> + use<> {
        stream::iter([0_u32, 1]).map(|item| {
            assert!(item == 0, "a stream went wrong");
            Ok(item)
        })
    }

    /// Items without end.
    #[export(stream)]
    fn flood(&self) -> impl Stream<Item = Result<u64>> + use<> {
        stream::iter(0..).map(Ok)
    }

    /// No item and no end.
    #[export(stream)]
    fn silence(&self) -> impl Stream<Item = Result<u32>> + use<> {
        stream::pending()
    }

    /// Sends back what it gets.
    #[export(bytes)]
    async fn echo_bytes(&self, mut io: ByteStream) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match io.read(&mut buffer).await? {
                0 => return Ok(()),
                count => io.write_all(&buffer[..count]).await?,
            }
        }
    }

    /// Sends back the first it gets, and fails.
    #[export(bytes)]
    async fn fail_bytes(&self, mut io: ByteStream) -> Result<()> {
        let mut buffer = [0; 100];
        let count = io.read(&mut buffer).await?;
        io.write_all(&buffer[..count]).await?;
        Err(Error::internal("the device caught fire"))
    }

    /// Notices nothing.
    #[export(bytes)]
    async fn deaf_bytes(&self, mut io: ByteStream) -> Result<()> {
        io.write_all(b"hello").await?;
        sleep(FOR_EVER).await;
        Ok(())
    }

    /// Panics in a byte stream.
    #[export(bytes)]
    async fn panic_bytes(&self, io: ByteStream) -> Result<()> {
        drop(io);
        panic!("a byte stream went wrong")
    }
}

plugin! {
    name: "jumpstarter_driver_test_rotten",
    license: "Apache-2.0",
    drivers: [Rotten],
}
