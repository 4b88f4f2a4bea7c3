//! What requests may take of the memory while they come in.
//!
//! A message is kept until the last of it is there, and only then does anybody ask who sends it. So all
//! that are under way share a store that is not large, and none may keep its part for long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::Status;

/// Most requests are smaller; these are for everybody.
const SMALL: usize = 4 << 10;
/// The rest comes out of the store, in pieces of this size.
const PIECE: usize = 4 << 10;
/// All of the store: several times the largest message.
const PIECES: usize = (64 << 20) / PIECE;
/// A message that is not small has to be whole in this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store that requests share; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Rations(Arc<Semaphore>);

/// A request that takes what it needs while it comes in, and gives it back when it is done.
#[derive(Debug)]
pub(super) struct Rationed<B> {
    body: B,
    store: Arc<Semaphore>,
    come: usize,
    taken: Option<Taken>,
}

#[derive(Debug)]
struct Taken {
    pieces: OwnedSemaphorePermit,
    patience: Pin<Box<Sleep>>,
}

// === impl Rations ===

impl Rations {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(PIECES)))
    }

    pub(super) fn body<B>(&self, body: B) -> Rationed<B> {
        Rationed {
            body,
            store: Arc::clone(&self.0),
            come: 0,
            taken: None,
        }
    }
}

// === impl Rationed ===

impl<B> Rationed<B> {
    /// Takes what is needed for all that has come.
    fn take(&mut self) -> Result<(), Status> {
        let needed = self.come.saturating_sub(SMALL).div_ceil(PIECE);
        let has = self
            .taken
            .as_ref()
            .map_or(0, |taken| taken.pieces.num_permits());
        let more = u32::try_from(needed.saturating_sub(has)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let store = Arc::clone(&self.store);
        let pieces = store.try_acquire_many_owned(more).map_err(|_| {
            Status::resource_exhausted("too many large requests at once; try again")
        })?;
        match &mut self.taken {
            Some(taken) => taken.pieces.merge(pieces),
            None => {
                let patience = Box::pin(sleep(PATIENCE));
                self.taken = Some(Taken { pieces, patience });
            }
        }
        Ok(())
    }
}

impl<B> Body for Rationed<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let patience = this.taken.as_mut().map(|taken| &mut taken.patience);
            return match patience.map(|patience| patience.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => Poll::Ready(Some(Err(Status::deadline_exceeded(
                    "the request does not come to its end",
                )
                .into()))),
                _ => Poll::Pending,
            };
        };
        let frame = frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            if let Some(data) = frame.data_ref() {
                this.come += data.remaining();
                this.take()?;
            }
            Ok(frame)
        });
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full, StreamBody};
    use tokio::time::Instant;

    use super::*;

    fn of(rations: &Rations, size: usize) -> Rationed<Full<Bytes>> {
        rations.body(Full::new(Bytes::from(vec![0; size])))
    }

    async fn refusal<B>(body: &mut Rationed<B>) -> Status
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let error = body.frame().await.unwrap().err().unwrap();
        *error.downcast::<Status>().unwrap()
    }

    #[tokio::test]
    async fn large_requests_share_what_there_is() {
        let rations = Rations::new();
        let mut large: Vec<_> = (0..16).map(|_| of(&rations, 4 << 20)).collect();
        for body in &mut large {
            body.frame().await.unwrap().unwrap();
        }
        let refused = refusal(&mut of(&rations, 4 << 20)).await;
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        // Small ones are served in any case.
        of(&rations, SMALL).frame().await.unwrap().unwrap();
        drop(large);
        of(&rations, 4 << 20).frame().await.unwrap().unwrap();
        assert_eq!(rations.0.available_permits(), PIECES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_request_has_to_come_to_its_end() {
        let rations = Rations::new();
        let begin = Frame::data(Bytes::from(vec![0; 2 * SMALL]));
        let begin = futures_util::stream::iter([Ok::<_, std::io::Error>(begin)]);
        let never = futures_util::StreamExt::chain(begin, futures_util::stream::pending());
        let mut body = rations.body(StreamBody::new(never));
        let begun = Instant::now();
        body.frame().await.unwrap().unwrap();
        let refused = refusal(&mut body).await;
        assert_eq!(refused.code(), tonic::Code::DeadlineExceeded);
        assert!(begun.elapsed() >= PATIENCE);
    }
}
