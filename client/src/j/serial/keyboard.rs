//! What comes from stdin, on its way to the port.
//!
//! ```text
//! stdin ── read ──► pieces ── queue ──► send ──► the stream
//!            └── looks for the key that leaves
//! ```
//!
//! Reading goes on while the port takes nothing, so that the key that leaves is seen even then.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use super::escape::Escape;
use crate::stream::{StreamError, Writer};
use crate::ui::Failure;

/// Bytes read at once: more than anybody types, and few enough to be sent together.
pub(super) const PIECE: usize = 1024;

/// Pieces that may wait for the port.
pub(super) const PIECES: usize = 256;

/// Reads keys into `queue` until the user leaves, or there are no more keys.
pub(super) async fn read(
    mut keys: impl AsyncRead + Unpin,
    mut escape: Escape,
    queue: mpsc::Sender<Bytes>,
) -> Result<(), Failure> {
    loop {
        let piece = next(&mut keys).await?;
        let left = escape.find(&piece);
        let piece = piece.slice(..left.unwrap_or(piece.len()));
        let over = piece.is_empty();
        // Without a receiver the stream is at its end, which somebody else tells.
        if !over && queue.send(piece).await.is_err() {
            return Ok(());
        }
        if over || left.is_some() {
            return Ok(());
        }
    }
}

/// Sends what is in `queue` until its end.
///
/// That is no end of the direction: whoever leaves cancels the stream, which frees the port at once.
pub(super) async fn send(
    mut queue: mpsc::Receiver<Bytes>,
    writer: &mut Writer,
) -> Result<(), StreamError> {
    while let Some(piece) = queue.recv().await {
        writer.send(piece).await?;
    }
    Ok(())
}

/// The next piece of stdin; empty at its end.
pub(super) async fn next(keys: &mut (impl AsyncRead + Unpin)) -> Result<Bytes, Failure> {
    let mut piece = BytesMut::with_capacity(PIECE);
    match keys.read_buf(&mut piece).await {
        Ok(_) => Ok(piece.freeze()),
        Err(error) => Err(Failure::Error(format!("cannot read from stdin: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use super::super::escape::Key;
    use super::*;

    /// What gets into the queue of these keys, piece by piece.
    async fn pieces(keys: &[u8]) -> Vec<Bytes> {
        let (queue, mut queued) = mpsc::channel(PIECES);
        let escape = Escape::new(Key::parse("B").unwrap());
        read(Cursor::new(keys), escape, queue).await.unwrap();
        let mut pieces = Vec::new();
        while let Some(piece) = queued.recv().await {
            pieces.push(piece);
        }
        pieces
    }

    #[tokio::test]
    async fn what_is_pasted_is_not_sent_byte_by_byte() {
        let pieces = pieces(&[b'x'; 4000]).await;
        let lengths: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [1024, 1024, 1024, 928]);
    }

    #[tokio::test]
    async fn what_comes_before_the_way_out_is_sent() {
        let keys = [&[b'x'; 1023][..], b"\x02\x02\x02after"].concat();
        assert_eq!(pieces(&keys).await.concat(), keys[..1025]);
        assert_eq!(pieces(b"\x02\x02\x02").await, ["\x02\x02"]);
        assert!(pieces(b"").await.is_empty());
    }
}
