//! Between a stream and something local: a file, a socket.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Reader, StreamError, Writer};

/// Bytes asked for at once. Peers that are slow per message like large ones.
const CHUNK: usize = 128 * 1024;

/// With less room than this left, a new buffer is better.
const SCANT: usize = 16 * 1024;

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum Broken {
    Local(io::Error),
    Stream(StreamError),
}

/// Sends what `source` has, and finishes the stream at its end.
pub(crate) async fn send(
    mut source: impl AsyncRead + Unpin,
    mut writer: Writer,
) -> Result<(), Broken> {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < SCANT {
            buffer.reserve(CHUNK);
        }
        let count = source.read_buf(&mut buffer).await.map_err(Broken::Local)?;
        if count == 0 {
            writer.finish();
            return Ok(());
        }
        let chunk = buffer.split().freeze();
        writer.send(chunk).await.map_err(Broken::Stream)?;
    }
}

/// Writes what the stream has to `target`, and shuts it down at the end.
pub(crate) async fn receive(
    reader: &mut Reader,
    target: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Broken> {
    let first = reader.next().await;
    receive_from(first, reader, target).await
}

/// The same when the first chunk, or that there is none, has come already.
pub(crate) async fn receive_from(
    first: Option<Result<Bytes, StreamError>>,
    reader: &mut Reader,
    target: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Broken> {
    let mut next = first;
    while let Some(chunk) = next {
        let chunk = chunk.map_err(Broken::Stream)?;
        target.write_all(&chunk).await.map_err(Broken::Local)?;
        next = reader.next().await;
    }
    target.shutdown().await.map_err(Broken::Local)
}
