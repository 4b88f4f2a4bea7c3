//! What requests may take of the memory while they come in.
//!
//! A message is kept until the last of it is there, and only then does a service ask who sends it. So
//! requests that have not come to their end are counted, all that are under way share a store that is
//! not large, and none may keep its part for long. Connections that nobody knows share a smaller store,
//! so that they cannot take what the others need:
//!
//! ```text
//!                 unfinished          store
//!  strangers      128, together 4096  16 MiB
//!  who is known   1024 (all calls)    64 MiB
//! ```

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use crate::identity::{Guest, Unfinished};

/// Most requests are smaller; these are for everybody.
const SMALL: usize = 4 << 10;
/// The rest comes out of the store, in pieces of this size.
const PIECE: usize = 4 << 10;
/// All of the store: several times the largest message.
const PIECES: usize = (64 << 20) / PIECE;
/// The store of strangers.
const PIECES_OF_STRANGERS: usize = (16 << 20) / PIECE;
/// So many requests of all strangers may be unfinished at once.
const STRANGERS: usize = 4096;
/// The same for one connection of theirs.
const OF_A_STRANGER: usize = 128;
/// A request has to be whole in this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same if it is not small.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// What requests share; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Rations {
    known: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    /// Places for unfinished requests of strangers.
    places: Arc<Semaphore>,
}

/// A request that takes what it needs while it comes in, and gives it back when it is done.
#[derive(Debug)]
pub(super) struct Rationed<B> {
    body: B,
    store: Arc<Semaphore>,
    /// Until the last of it has come.
    place: Option<Place>,
    come: usize,
    taken: Option<OwnedSemaphorePermit>,
    begun: Instant,
    /// Only while it keeps its reader waiting.
    patience: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
struct Place {
    _unfinished: Unfinished,
    _permit: Option<OwnedSemaphorePermit>,
}

// === impl Rations ===

impl Rations {
    pub(super) fn new() -> Self {
        Self {
            known: Arc::new(Semaphore::new(PIECES)),
            strangers: Arc::new(Semaphore::new(PIECES_OF_STRANGERS)),
            places: Arc::new(Semaphore::new(STRANGERS)),
        }
    }

    /// A request of this guest; refused if too many are unfinished.
    pub(super) fn body<B: Body>(&self, body: B, guest: &Guest) -> Result<Rationed<B>, Status> {
        let is_known = guest.is_known();
        let place = match body.is_end_stream() {
            true => None,
            false => Some(self.place(guest, is_known)?),
        };
        let store = match is_known {
            true => &self.known,
            false => &self.strangers,
        };
        Ok(Rationed {
            body,
            store: Arc::clone(store),
            place,
            come: 0,
            taken: None,
            begun: Instant::now(),
            patience: None,
        })
    }

    fn place(&self, guest: &Guest, is_known: bool) -> Result<Place, Status> {
        let full = || Status::resource_exhausted("too many unfinished requests at once; try again");
        // What one can begin who is known is bounded by the calls of a connection.
        let most = match is_known {
            true => usize::MAX,
            false => OF_A_STRANGER,
        };
        let unfinished = guest.begin(most).ok_or_else(full)?;
        let permit = match is_known {
            true => None,
            false => {
                let permit = Arc::clone(&self.places).try_acquire_owned();
                Some(permit.map_err(|_| full())?)
            }
        };
        Ok(Place {
            _unfinished: unfinished,
            _permit: permit,
        })
    }
}

// === impl Rationed ===

impl<B> Rationed<B> {
    /// Takes what is needed for all that has come.
    fn take(&mut self) -> Result<(), Status> {
        let needed = self.come.saturating_sub(SMALL).div_ceil(PIECE);
        let has = self.taken.as_ref().map_or(0, |taken| taken.num_permits());
        let more = u32::try_from(needed.saturating_sub(has)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let store = Arc::clone(&self.store);
        let pieces = store.try_acquire_many_owned(more).map_err(|_| {
            Status::resource_exhausted("too many large requests at once; try again")
        })?;
        match &mut self.taken {
            Some(taken) => taken.merge(pieces),
            None => {
                self.taken = Some(pieces);
                self.patience = None;
            }
        }
        Ok(())
    }

    /// When it has to be whole.
    fn deadline(&self) -> Instant {
        match self.taken {
            None => self.begun + PATIENCE,
            Some(_) => self.begun + LONG_PATIENCE,
        }
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
            let deadline = this.deadline();
            let patience = this
                .patience
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            return patience.as_mut().poll(cx).map(|()| {
                let late = "the request does not come to its end";
                Some(Err(Status::deadline_exceeded(late).into()))
            });
        };
        let frame = frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            if let Some(data) = frame.data_ref() {
                this.come += data.remaining();
                this.take()?;
            }
            Ok(frame)
        });
        if frame.is_none() || this.body.is_end_stream() {
            this.place = None;
        }
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
    use futures_util::stream::{self, StreamExt};
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    fn friend() -> Guest {
        let guest = Guest::default();
        guest.welcome();
        guest
    }

    fn of(rations: &Rations, guest: &Guest, size: usize) -> Rationed<Full<Bytes>> {
        let body = Full::new(Bytes::from(vec![0; size]));
        rations.body(body, guest).unwrap()
    }

    /// A request of so many bytes that does not end.
    fn endless(
        rations: &Rations,
        guest: &Guest,
        size: usize,
    ) -> Result<Rationed<impl Body<Data = Bytes, Error = std::io::Error> + Unpin + use<>>, Status>
    {
        let begin = Frame::data(Bytes::from(vec![0; size]));
        let never = stream::iter([Ok::<_, std::io::Error>(begin)]).chain(stream::pending());
        rations.body(StreamBody::new(never), guest)
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
        for (guest, most, store, all) in [
            (friend(), 16, &rations.known, PIECES),
            (Guest::default(), 4, &rations.strangers, PIECES_OF_STRANGERS),
        ] {
            let mut large: Vec<_> = (0..most).map(|_| of(&rations, &guest, 4 << 20)).collect();
            for body in &mut large {
                body.frame().await.unwrap().unwrap();
            }
            let refused = refusal(&mut of(&rations, &guest, 4 << 20)).await;
            assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
            // Small ones are served in any case.
            of(&rations, &guest, SMALL).frame().await.unwrap().unwrap();
            drop(large);
            of(&rations, &guest, 4 << 20)
                .frame()
                .await
                .unwrap()
                .unwrap();
            assert_eq!(store.available_permits(), all);
        }
    }

    #[tokio::test]
    async fn strangers_take_nothing_of_what_is_for_those_who_are_known() {
        let rations = Rations::new();
        let stranger = Guest::default();
        let mut large: Vec<_> = (0..16)
            .map(|_| of(&rations, &stranger, (4 << 20) - 1))
            .collect();
        let mut refused = 0;
        for body in &mut large {
            refused += usize::from(body.frame().await.unwrap().is_err());
        }
        assert_eq!(refused, 12);
        let mut good = of(&rations, &friend(), 4 << 20);
        good.frame().await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_to_come_to_its_end() {
        let rations = Rations::new();
        for (size, patience) in [(5, PATIENCE), (2 * SMALL, LONG_PATIENCE)] {
            for guest in [friend(), Guest::default()] {
                let mut body = endless(&rations, &guest, size).unwrap();
                let begun = Instant::now();
                body.frame().await.unwrap().unwrap();
                let refused = refusal(&mut body).await;
                assert_eq!(refused.code(), tonic::Code::DeadlineExceeded);
                let waited = begun.elapsed();
                assert!(
                    waited >= patience && waited < patience + PATIENCE,
                    "{waited:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn unfinished_requests_are_counted() {
        let rations = Rations::new();
        let begin = |guest: &Guest| endless(&rations, guest, 5);
        let is_full = |guest: &Guest| match begin(guest) {
            Ok(_) => false,
            Err(refused) => refused.code() == tonic::Code::ResourceExhausted,
        };
        let mut unfinished = Vec::new();
        for _ in 0..STRANGERS / OF_A_STRANGER {
            let guest = Guest::default();
            unfinished.extend((0..OF_A_STRANGER).map(|_| begin(&guest).unwrap()));
            assert!(is_full(&guest));
        }
        assert!(is_full(&Guest::default()), "too many of all strangers");
        let friend = friend();
        let theirs: Vec<_> = (0..1024).map(|_| begin(&friend).unwrap()).collect();
        // One that is whole needs no place.
        let whole = http_body_util::Empty::<Bytes>::new();
        assert!(rations.body(whole, &Guest::default()).is_ok());
        unfinished.pop();
        let guest = Guest::default();
        let mut last = of(&rations, &guest, 5);
        assert!(is_full(&guest));
        // The last of it has come; it is only not answered.
        last.frame().await.unwrap().unwrap();
        assert!(!is_full(&guest));
        drop(theirs);
    }
}
