//! Data that the client provides or takes: a disk image to flash, a dump to keep.
//!
//! ```text
//!   Resource ─ read() ──► ResourceReader ─ blocking() ──► BlockingReader
//!            └ write() ─► ResourceWriter ─ blocking() ──► BlockingWriter
//! ```
//!
//! The data comes through a socket of the exporter's, whose end says nothing about how it came to
//! be: a client that went away looks like one that is through. So both ask the exporter at the end.

mod blocking;
mod reader;
mod transfer;
mod writer;

use std::fmt;

use jumpstarter_driver_abi::ext::{TRANSFER_READ, TRANSFER_WRITE};
use jumpstarter_value::to_vec;
use serde::{Deserialize, Deserializer};

use crate::wait::wait;
use crate::{Error, Json, Result, Schema, log};

pub use blocking::{BlockingReader, BlockingWriter};
pub use reader::ResourceReader;
pub use writer::ResourceWriter;

/// How much is copied at a time.
const CHUNK: usize = 256 * 1024;

/// A parameter that stands for data of the client. It can be taken once, in one direction.
///
/// Encodings are the exporter's business: what comes out of the reader is plain data, and what goes
/// into the writer is plain data. Whatever goes wrong on the client's side, or on that of a web
/// server the client sent us to, is an error of the reader or writer.
///
/// ```
/// # use jumpstarter_driver::{Context, Driver, NoConfig, Resource, Result, driver, test::Host};
/// # struct Board;
/// # impl Driver for Board {
/// #     type Config = NoConfig;
/// #     async fn open(_: NoConfig, _: Context) -> Result<Self> { Ok(Self) }
/// # }
/// # #[driver(type = "test.Board")]
/// # impl Board {
/// /// Writes an image.
/// #[export]
/// async fn flash(&self, image: Resource) -> Result<u64> {
///     let mut disk = tokio::io::sink();
///     image.read().await?.copy_to(&mut disk).await
/// }
///
/// /// Reads the disk.
/// #[export]
/// async fn dump(&self, target: Resource) -> Result<u64> {
///     let mut disk = &b"content"[..];
///     target.write().await?.copy_from(&mut disk).await
/// }
/// # }
/// # let host = Host::new();
/// # let board = host.open::<Board>(serde_json::json!({}))?;
/// # assert_eq!(board.call::<u64>("flash", (&host.data("image"),))?, 5);
/// # let target = host.data("");
/// # assert_eq!(board.call::<u64>("dump", (&target,))?, 7);
/// # assert_eq!(target.written()?, b"content");
/// # Result::<()>::Ok(())
/// ```
#[derive(Clone)]
pub struct Resource {
    /// The driver that was called with it.
    node: u64,
    /// What the client sent, as an encoded value.
    handle: Vec<u8>,
}

// === impl Resource ===

impl Resource {
    /// The data that the client sends.
    ///
    /// # Errors
    /// It was taken before, the client is gone, or the exporter has no resources.
    pub async fn read(self) -> Result<ResourceReader> {
        let (socket, transfer) = self.take(TRANSFER_READ).await?;
        ResourceReader::new(socket, transfer)
    }

    /// Where the client receives data.
    ///
    /// # Errors
    /// It was taken before, the client is gone, or the exporter has no resources.
    pub async fn write(self) -> Result<ResourceWriter> {
        let (socket, transfer) = self.take(TRANSFER_WRITE).await?;
        ResourceWriter::new(socket, transfer)
    }

    /// The data that the client sends, for a plain `fn`.
    ///
    /// ```
    /// # use jumpstarter_driver::{Resource, Result};
    /// fn flash(image: Resource) -> Result<u64> {
    ///     let mut disk = std::fs::File::create("/dev/sdx")?;
    ///     image.blocking_read()?.copy_to(&mut disk)
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn blocking_read(self) -> Result<BlockingReader> {
        let (socket, transfer) = wait(self.take(TRANSFER_READ))?;
        BlockingReader::new(socket.into(), transfer)
    }

    /// Where the client receives data, for a plain `fn`.
    ///
    /// ```
    /// # use jumpstarter_driver::{Resource, Result};
    /// fn dump(target: Resource) -> Result<u64> {
    ///     let mut disk = std::fs::File::open("/dev/sdx")?;
    ///     target.blocking_write()?.copy_from(&mut disk)
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn blocking_write(self) -> Result<BlockingWriter> {
        let (socket, transfer) = wait(self.take(TRANSFER_WRITE))?;
        BlockingWriter::new(socket.into(), transfer)
    }
}

impl fmt::Debug for Resource {
    // Whoever has the handle has the data: it may be a signed URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handle = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
        let handle = to_vec(&handle).map_err(serde::de::Error::custom)?;
        Ok(Self {
            // Arguments are decoded on the thread of the driver that was called.
            node: log::node(),
            handle,
        })
    }
}

impl Schema for Resource {
    const SCHEMA: Json = Json::Raw(r#"{"type":"object","format":"jumpstarter-resource"}"#);
}

/// The error for an exporter that breaks the rules.
fn no_socket() -> Error {
    Error::internal("the exporter answered without the resource")
}
