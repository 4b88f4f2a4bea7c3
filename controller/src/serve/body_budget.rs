//! Bounds the memory that incoming requests take.
//!
//! A message is buffered until it is complete, and only then does a service authenticate its sender. So
//! unfinished requests are counted, all request bodies share one budget of bytes, and each has to be
//! complete in time. Connections that are not authenticated yet (strangers) share a smaller budget, so
//! that they cannot starve the others:
//!
//! ```text
//!                 unfinished requests              bytes of all bodies
//!  strangers      128 per connection, 4096 in all  16 MiB
//!  authenticated  1024 per connection (all calls)  64 MiB
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

use crate::identity::{ConnectionState, UnfinishedRequest};

/// The first bytes of every body, which take nothing of the budget: most requests are smaller.
const FREE_BYTES: usize = 4 << 10;
/// The rest is taken from the budget in pieces of this many bytes.
const PIECE_BYTES: usize = 4 << 10;
/// The budget of authenticated connections: several times the largest message.
const PIECES: usize = (64 << 20) / PIECE_BYTES;
/// The budget of strangers.
const STRANGER_PIECES: usize = (16 << 20) / PIECE_BYTES;
/// Unfinished requests of all strangers together.
const MAX_STRANGER_SLOTS: usize = 4096;
/// Unfinished requests on one stranger's connection.
const MAX_SLOTS_PER_STRANGER: usize = 128;
/// A request within [`FREE_BYTES`] has to be complete in this time.
const SMALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Any larger request has to be complete in this time.
const LARGE_TIMEOUT: Duration = Duration::from_secs(60);

/// The budget that all request bodies share; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct BodyBudget {
    /// Pieces for authenticated connections.
    authenticated: Arc<Semaphore>,
    /// Pieces for strangers.
    strangers: Arc<Semaphore>,
    /// Slots for unfinished requests of strangers.
    slots: Arc<Semaphore>,
}

/// A request body that takes pieces of the budget as it arrives, and gives them back when dropped.
#[derive(Debug)]
pub(super) struct BudgetedBody<B> {
    body: B,
    /// The pieces it may take from.
    budget: Arc<Semaphore>,
    /// Held until the body is complete.
    slot: Option<UnfinishedSlot>,
    /// Bytes so far.
    received: usize,
    /// The pieces it has taken.
    taken: Option<OwnedSemaphorePermit>,
    started: Instant,
    /// Runs only while the reader waits for more of the body.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Counts one unfinished request.
#[derive(Debug)]
struct UnfinishedSlot {
    _unfinished: UnfinishedRequest,
    _permit: Option<OwnedSemaphorePermit>,
}

// === impl BodyBudget ===

impl BodyBudget {
    pub(super) fn new() -> Self {
        Self {
            authenticated: Arc::new(Semaphore::new(PIECES)),
            strangers: Arc::new(Semaphore::new(STRANGER_PIECES)),
            slots: Arc::new(Semaphore::new(MAX_STRANGER_SLOTS)),
        }
    }

    /// Puts a body of this connection's under the budget; refused if too many are unfinished.
    pub(super) fn body<B: Body>(
        &self,
        body: B,
        connection: &ConnectionState,
    ) -> Result<BudgetedBody<B>, Status> {
        let is_authenticated = connection.is_authenticated();
        let slot = match body.is_end_stream() {
            true => None,
            false => Some(self.slot(connection, is_authenticated)?),
        };
        let budget = match is_authenticated {
            true => &self.authenticated,
            false => &self.strangers,
        };
        Ok(BudgetedBody {
            body,
            budget: Arc::clone(budget),
            slot,
            received: 0,
            taken: None,
            started: Instant::now(),
            timer: None,
        })
    }

    fn slot(
        &self,
        connection: &ConnectionState,
        is_authenticated: bool,
    ) -> Result<UnfinishedSlot, Status> {
        let full = || Status::resource_exhausted("too many unfinished requests at once; try again");
        // HTTP/2 bounds the concurrent calls of an authenticated connection already.
        let most = match is_authenticated {
            true => usize::MAX,
            false => MAX_SLOTS_PER_STRANGER,
        };
        let unfinished = connection.begin_request(most).ok_or_else(full)?;
        let permit = match is_authenticated {
            true => None,
            false => {
                let permit = Arc::clone(&self.slots).try_acquire_owned();
                Some(permit.map_err(|_| full())?)
            }
        };
        Ok(UnfinishedSlot {
            _unfinished: unfinished,
            _permit: permit,
        })
    }
}

// === impl BudgetedBody ===

impl<B> BudgetedBody<B> {
    /// Takes the pieces that the bytes so far need.
    fn take(&mut self) -> Result<(), Status> {
        let needed = self
            .received
            .saturating_sub(FREE_BYTES)
            .div_ceil(PIECE_BYTES);
        let has = self.taken.as_ref().map_or(0, |taken| taken.num_permits());
        let more = u32::try_from(needed.saturating_sub(has)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let budget = Arc::clone(&self.budget);
        let pieces = budget.try_acquire_many_owned(more).map_err(|_| {
            Status::resource_exhausted("too many large requests at once; try again")
        })?;
        match &mut self.taken {
            Some(taken) => taken.merge(pieces),
            None => {
                self.taken = Some(pieces);
                self.timer = None;
            }
        }
        Ok(())
    }

    /// When it has to be complete.
    fn deadline(&self) -> Instant {
        match self.taken {
            None => self.started + SMALL_TIMEOUT,
            Some(_) => self.started + LARGE_TIMEOUT,
        }
    }
}

impl<B> Body for BudgetedBody<B>
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
            let timer = this
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            return timer.as_mut().poll(cx).map(|()| {
                let late = "the request does not come to its end";
                Some(Err(Status::deadline_exceeded(late).into()))
            });
        };
        let frame = frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            if let Some(data) = frame.data_ref() {
                this.received += data.remaining();
                this.take()?;
            }
            Ok(frame)
        });
        if frame.is_none() || this.body.is_end_stream() {
            this.slot = None;
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

    fn friend() -> ConnectionState {
        let connection = ConnectionState::default();
        connection.mark_authenticated();
        connection
    }

    fn of(
        budget: &BodyBudget,
        connection: &ConnectionState,
        size: usize,
    ) -> BudgetedBody<Full<Bytes>> {
        let body = Full::new(Bytes::from(vec![0; size]));
        budget.body(body, connection).unwrap()
    }

    /// A request that sends this many bytes and never ends.
    fn endless(
        budget: &BodyBudget,
        connection: &ConnectionState,
        size: usize,
    ) -> Result<BudgetedBody<impl Body<Data = Bytes, Error = std::io::Error> + Unpin + use<>>, Status>
    {
        let begin = Frame::data(Bytes::from(vec![0; size]));
        let never = stream::iter([Ok::<_, std::io::Error>(begin)]).chain(stream::pending());
        budget.body(StreamBody::new(never), connection)
    }

    async fn refusal<B>(body: &mut BudgetedBody<B>) -> Status
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let error = body.frame().await.unwrap().err().unwrap();
        *error.downcast::<Status>().unwrap()
    }

    #[tokio::test]
    async fn large_requests_share_what_there_is() {
        let budget = BodyBudget::new();
        for (connection, most, store, all) in [
            (friend(), 16, &budget.authenticated, PIECES),
            (
                ConnectionState::default(),
                4,
                &budget.strangers,
                STRANGER_PIECES,
            ),
        ] {
            let mut large: Vec<_> = (0..most)
                .map(|_| of(&budget, &connection, 4 << 20))
                .collect();
            for body in &mut large {
                body.frame().await.unwrap().unwrap();
            }
            let refused = refusal(&mut of(&budget, &connection, 4 << 20)).await;
            assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
            // Small ones are served in any case.
            of(&budget, &connection, FREE_BYTES)
                .frame()
                .await
                .unwrap()
                .unwrap();
            drop(large);
            of(&budget, &connection, 4 << 20)
                .frame()
                .await
                .unwrap()
                .unwrap();
            assert_eq!(store.available_permits(), all);
        }
    }

    #[tokio::test]
    async fn strangers_take_nothing_of_what_is_for_those_who_are_known() {
        let budget = BodyBudget::new();
        let stranger = ConnectionState::default();
        let mut large: Vec<_> = (0..16)
            .map(|_| of(&budget, &stranger, (4 << 20) - 1))
            .collect();
        let mut refused = 0;
        for body in &mut large {
            refused += usize::from(body.frame().await.unwrap().is_err());
        }
        assert_eq!(refused, 12);
        let mut good = of(&budget, &friend(), 4 << 20);
        good.frame().await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_to_come_to_its_end() {
        let budget = BodyBudget::new();
        for (size, patience) in [(5, SMALL_TIMEOUT), (2 * FREE_BYTES, LARGE_TIMEOUT)] {
            for connection in [friend(), ConnectionState::default()] {
                let mut body = endless(&budget, &connection, size).unwrap();
                let begun = Instant::now();
                body.frame().await.unwrap().unwrap();
                let refused = refusal(&mut body).await;
                assert_eq!(refused.code(), tonic::Code::DeadlineExceeded);
                let waited = begun.elapsed();
                assert!(
                    waited >= patience && waited < patience + SMALL_TIMEOUT,
                    "{waited:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn unfinished_requests_are_counted() {
        let budget = BodyBudget::new();
        let begin = |connection: &ConnectionState| endless(&budget, connection, 5);
        let is_full = |connection: &ConnectionState| match begin(connection) {
            Ok(_) => false,
            Err(refused) => refused.code() == tonic::Code::ResourceExhausted,
        };
        let mut unfinished = Vec::new();
        for _ in 0..MAX_STRANGER_SLOTS / MAX_SLOTS_PER_STRANGER {
            let connection = ConnectionState::default();
            unfinished.extend((0..MAX_SLOTS_PER_STRANGER).map(|_| begin(&connection).unwrap()));
            assert!(is_full(&connection));
        }
        assert!(
            is_full(&ConnectionState::default()),
            "too many of all strangers"
        );
        let friend = friend();
        let theirs: Vec<_> = (0..1024).map(|_| begin(&friend).unwrap()).collect();
        // One that is whole needs no slot.
        let whole = http_body_util::Empty::<Bytes>::new();
        assert!(budget.body(whole, &ConnectionState::default()).is_ok());
        unfinished.pop();
        let connection = ConnectionState::default();
        let mut last = of(&budget, &connection, 5);
        assert!(is_full(&connection));
        // The last of it has come; it is only not answered.
        last.frame().await.unwrap().unwrap();
        assert!(!is_full(&connection));
        drop(theirs);
    }
}
