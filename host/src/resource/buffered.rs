//! Reading from what is buffered anyway.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, ReadBuf};

/// What `AsyncRead::poll_read` is for a reader with a buffer: what it has, as far as there is room.
pub(super) fn poll_read(
    mut reader: Pin<&mut impl AsyncBufRead>,
    cx: &mut Context<'_>,
    room: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let ready = ready!(reader.as_mut().poll_fill_buf(cx))?;
    let length = ready.len().min(room.remaining());
    room.put_slice(&ready[..length]);
    reader.consume(length);
    Poll::Ready(Ok(()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::poll_fn;

    use tokio::io::{AsyncWriteExt, BufReader, duplex};

    use super::*;

    #[tokio::test]
    async fn as_much_as_there_is_and_fits() {
        let (near, mut far) = duplex(16);
        let mut reader = BufReader::new(near);
        let mut bytes = [0; 4];
        let mut room = ReadBuf::new(&mut bytes);
        let mut read = async |room: &mut ReadBuf<'_>| {
            poll_fn(|cx| poll_read(Pin::new(&mut reader), cx, room)).await
        };
        far.write_all(b"abcdef").await.unwrap();
        read(&mut room).await.unwrap();
        assert_eq!(room.filled(), b"abcd");
        room.clear();
        read(&mut room).await.unwrap();
        assert_eq!(room.filled(), b"ef", "the rest is not lost");
        drop(far);
        room.clear();
        read(&mut room).await.unwrap();
        assert_eq!(room.filled(), b"", "the end");
    }

    #[tokio::test]
    async fn an_error_is_passed_on() {
        struct Broken;

        impl tokio::io::AsyncRead for Broken {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                _: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                Poll::Ready(Err(io::Error::other("a bad block")))
            }
        }

        let mut reader = BufReader::new(Broken);
        let mut bytes = [0; 4];
        let mut room = ReadBuf::new(&mut bytes);
        let error = poll_fn(|cx| poll_read(Pin::new(&mut reader), cx, &mut room)).await;
        assert_eq!(error.unwrap_err().to_string(), "a bad block");
        assert_eq!(room.filled(), b"");
    }
}
