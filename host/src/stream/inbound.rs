//! From the client to the socket.

use std::fmt::Display;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;

use super::frames::{Decoder, Event};
use super::pieces::Pieces;
use super::pump::Trouble;
use super::socket::Writer;
use crate::resource::Offer;

/// The direction from the client to the socket.
#[derive(Debug)]
pub(super) struct Inbound<B> {
    pub(super) body: B,
    pub(super) writer: Writer,
    /// Whom to tell that all of the data has come.
    pub(super) offer: Option<Arc<Offer>>,
    /// A driver that does not read on is no failure.
    pub(super) lenient: bool,
}

// === impl Inbound ===

impl<B> Inbound<B>
where
    B: Body<Data = Bytes, Error: Display + Send> + Unpin,
{
    /// Runs until the client sends no more.
    pub(super) async fn run(mut self) -> Result<(), Trouble> {
        let mut decoder = Decoder::new();
        let mut pieces = Pieces::default();
        // Nobody reads any more: what comes is thrown away, so that the client does not get stuck.
        let mut deaf = false;
        while let Some(mut data) = self.next(&mut pieces, &mut deaf).await? {
            while let Some(event) = decoder.next(&mut data)? {
                match event {
                    Event::End => {
                        self.flush(&mut pieces, &mut deaf).await?;
                        self.finish();
                        return Ok(());
                    }
                    Event::Piece { .. } if deaf => {}
                    Event::Piece { payload, last } => {
                        if self.writer.push(payload, last, &mut pieces) {
                            self.write(&mut pieces, &mut deaf).await?;
                        }
                    }
                }
            }
        }
        decoder.finish()?;
        self.finish();
        Ok(())
    }

    /// The next data of the call; nothing at its end. Before it waits, what has been taken is
    /// written.
    async fn next(
        &mut self,
        pieces: &mut Pieces,
        deaf: &mut bool,
    ) -> Result<Option<Bytes>, Trouble> {
        loop {
            let frame = match futures_util::poll!(poll_fn(|cx| self.poll_body(cx))) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    self.flush(pieces, deaf).await?;
                    poll_fn(|cx| self.poll_body(cx)).await
                }
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "the client of a byte stream is gone");
                    self.flush(pieces, deaf).await?;
                    return Err(Trouble::Gone);
                }
                None => {
                    self.flush(pieces, deaf).await?;
                    return Ok(None);
                }
            }
        }
    }

    fn poll_body(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    async fn flush(&mut self, pieces: &mut Pieces, deaf: &mut bool) -> Result<(), Trouble> {
        if self.writer.is_due(pieces) {
            self.write(pieces, deaf).await?;
        }
        Ok(())
    }

    async fn write(&mut self, pieces: &mut Pieces, deaf: &mut bool) -> Result<(), Trouble> {
        match self.writer.write(pieces).await {
            Ok(()) => Ok(()),
            Err(error) if self.lenient || error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::debug!(%error, "a byte stream is not read to its end");
                self.writer.clear(pieces);
                *deaf = true;
                Ok(())
            }
            Err(error) => Err(Trouble::Driver(error.to_string())),
        }
    }

    fn finish(self) {
        if let Some(offer) = &self.offer {
            offer.whole();
        }
        self.writer.finish();
    }
}
