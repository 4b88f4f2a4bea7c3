//! The driver's end of a stream of bytes.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::used::Used;
use crate::Result;

/// A byte stream to the client (or, from [`Child::connect`](crate::Child::connect), to another
/// driver). Dropping it ends the stream; shutting its writing half down lets the other side
/// go on sending.
#[derive(Debug)]
pub struct ByteStream {
    socket: UnixStream,
    used: Used,
}

/// The reading half of a [`ByteStream`].
#[derive(Debug)]
pub struct ByteReader {
    socket: OwnedReadHalf,
    used: Used,
}

/// The writing half of a [`ByteStream`]. Dropping it shuts it down.
#[derive(Debug)]
pub struct ByteWriter {
    socket: OwnedWriteHalf,
    used: Used,
}

// === impl ByteStream ===

impl ByteStream {
    /// A stream over a connected socket of any family.
    pub(crate) fn from_socket(socket: OwnedFd) -> Result<Self> {
        Self::watched(socket, Used::default())
    }

    /// The same, and somebody wants to know when it is used.
    pub(super) fn watched(socket: OwnedFd, used: Used) -> Result<Self> {
        let socket = StdStream::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UnixStream::from_std(socket)?,
            used,
        })
    }

    /// Both directions on their own, for two tasks. A driver that copies both ways in one place
    /// need not split: see [`tokio::io::copy_bidirectional_with_sizes`].
    ///
    /// ```
    /// # use jumpstarter_driver::{ByteStream, Result};
    /// # use tokio::net::TcpStream;
    /// async fn forward(io: ByteStream, device: TcpStream) -> Result<()> {
    ///     let (mut from_client, mut to_client) = io.into_split();
    ///     let (mut from_device, mut to_device) = device.into_split();
    ///     tokio::try_join!(
    ///         async {
    ///             tokio::io::copy(&mut from_client, &mut to_device).await?;
    ///             drop(to_device);
    ///             std::io::Result::Ok(())
    ///         },
    ///         async {
    ///             tokio::io::copy(&mut from_device, &mut to_client).await?;
    ///             drop(to_client);
    ///             Ok(())
    ///         },
    ///     )?;
    ///     Ok(())
    /// }
    /// ```
    pub fn into_split(self) -> (ByteReader, ByteWriter) {
        let (reader, writer) = self.socket.into_split();
        let reader = ByteReader {
            socket: reader,
            used: self.used.clone(),
        };
        let writer = ByteWriter {
            socket: writer,
            used: self.used,
        };
        (reader, writer)
    }
}

macro_rules! read {
    ($type:ty) => {
        impl AsyncRead for $type {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.used.now();
                Pin::new(&mut self.socket).poll_read(cx, buf)
            }
        }
    };
}

macro_rules! write {
    ($type:ty) => {
        impl AsyncWrite for $type {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.used.now();
                Pin::new(&mut self.socket).poll_write(cx, buf)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.used.now();
                Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                self.socket.is_write_vectored()
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.used.now();
                Pin::new(&mut self.socket).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                self.used.now();
                Pin::new(&mut self.socket).poll_shutdown(cx)
            }
        }
    };
}

read! { ByteStream }
write! { ByteStream }
read! { ByteReader }
write! { ByteWriter }
