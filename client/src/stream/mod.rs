//! Byte streams: a device's console, a network connection, the data of an image.
//!
//! ```text
//! Writer ─► outbox ─► frames ─► HTTP/2 ─► exporter ─► driver
//! Reader ◄─────────── frames ◄─ HTTP/2 ◄─
//! ```
//!
//! The two directions end independently, each with a GOAWAY frame. Nothing is buffered beyond the
//! outbox and the window of the HTTP/2 stream, so a side that stops reading stops the other one.
//!
//! ```no_run
//! use jumpstarter_client::Device;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # async fn example(network: &Device) -> Result<(), Box<dyn std::error::Error>> {
//! let mut stream = network.connect("connect").await?;
//! stream.write_all(b"hello").await?;
//! stream.shutdown().await?;
//! let mut answer = Vec::new();
//! stream.read_to_end(&mut answer).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod codec;
mod error;
mod open;
mod outbox;
pub(crate) mod pump;
mod reader;
mod writer;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use error::StreamError;
pub(crate) use open::{Purpose, join, open};
pub use reader::Reader;
pub use writer::Writer;

/// A stream to a driver and back.
///
/// Dropping it cancels the call, unless its writing side was shut down and its reading side is at
/// its end: then there is nothing left to cancel. An exporter that has stopped reading learns of it
/// only when it reads again, because HTTP/2 libraries see no more of a request until then.
#[derive(Debug)]
pub struct ByteStream {
    reader: Reader,
    writer: Writer,
}

// === impl ByteStream ===

impl ByteStream {
    /// The two directions, for use by two tasks; the call is cancelled when both are dropped.
    ///
    /// ```no_run
    /// # use jumpstarter_client::Device;
    /// # async fn example(echo: &Device) -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut reader, mut writer) = echo.connect("connect").await?.split();
    /// writer.send("hello".into()).await?;
    /// writer.finish();
    /// while let Some(chunk) = reader.next().await {
    ///     println!("{:?}", chunk?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// Waits until the other side has agreed to the stream, or refused it.
    ///
    /// Streams to drivers have been agreed to. A stream through a router has not: some routers say
    /// nothing until the peer does.
    ///
    /// # Errors
    ///
    /// Why there will be no stream.
    pub async fn answered(&mut self) -> Result<(), StreamError> {
        self.reader.answered().await
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}
