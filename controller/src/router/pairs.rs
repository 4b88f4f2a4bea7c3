//! Joins the two sides of each stream.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;
use uuid::Uuid;

use super::Cut;
use super::half::{Fate, Side};
use super::relay::Relay;
use crate::model::Key;

/// Streams at once, waiting and joined.
const MOST: usize = 16_384;
/// Waiting streams of one lease, which must not take the slots of others.
pub(super) const MOST_OF_LEASE: usize = 256;

/// The right to one side of a stream.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The id of the stream.
    pub stream: Uuid,
    /// Whether it is the client's side; `None` goes with either.
    pub client: Option<bool>,
    /// The lease whose slots it takes while it waits; `None` if that is not known.
    pub lease: Option<Key>,
    /// How long it waits for its other side.
    pub patience: Duration,
    /// Ends the stream at any time.
    pub cut: Cut,
    /// Counts the bytes of the stream.
    pub traffic: Arc<Traffic>,
}

/// Bytes that were passed on, with the framing of gRPC messages.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes: AtomicU64,
}

/// Why a stream is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// There are `MOST` streams.
    #[error("the router has no room for another stream")]
    Full,
    /// `MOST_OF_LEASE` streams of this lease wait.
    #[error(
        "{MOST_OF_LEASE} streams of the lease wait for their other side already; end the programs that \
         opened them, or let them meet"
    )]
    Crowded,
}

/// All streams of a router; cheap to clone.
#[derive(Debug)]
pub struct Pairs<B> {
    waiting: Arc<Mutex<WaitingStreams<B>>>,
    joined: Arc<AtomicU64>,
}

/// The streams that wait for their other side.
#[derive(Debug)]
struct WaitingStreams<B> {
    streams: HashMap<Uuid, Waiting<B>>,
    /// The number of them for each lease.
    of_leases: HashMap<Key, usize>,
}

/// The first side of a stream, while it waits.
#[derive(Debug)]
struct Waiting<B> {
    client: Option<bool>,
    lease: Option<Key>,
    body: B,
    fate: Fate,
    partner: oneshot::Sender<B>,
}

/// Removes a waiting stream, if its caller goes away.
#[derive(Debug)]
pub(super) struct WaitingSlot<B> {
    pairs: Pairs<B>,
    stream: Uuid,
}

/// Counts a joined stream for as long as it lives.
#[derive(Debug)]
pub(super) struct Joined(Arc<AtomicU64>);

// === impl Traffic ===

impl Traffic {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

// === impl Pairs ===

impl<B> Clone for Pairs<B> {
    fn clone(&self) -> Self {
        Self {
            waiting: Arc::clone(&self.waiting),
            joined: Arc::clone(&self.joined),
        }
    }
}

impl<B> Default for Pairs<B> {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            joined: Arc::default(),
        }
    }
}

impl<B> Pairs<B> {
    /// Brings one side of a stream: `body` is what it sends, the result is what it receives. The second
    /// side is joined with the first; a third would wait for a fourth. The same side again, because its
    /// connection broke, replaces the one that waits.
    ///
    /// # Errors
    ///
    /// There are too many streams.
    pub fn join(&self, ticket: Ticket, body: B) -> Result<Relay<B>, JoinError> {
        let mut waiting = self.lock();
        let stream = ticket.stream;
        let mut body = body;
        let other = waiting.remove(&stream);
        if let Some(first) = other.filter(|first| !first.is_same_side(ticket.client)) {
            match first.partner.send(body) {
                Ok(()) => {
                    drop(waiting);
                    let joined = Joined::new(&self.joined);
                    return Ok(Relay::joined(
                        Side::Second,
                        first.body,
                        first.fate,
                        ticket.traffic,
                        joined,
                    ));
                }
                // The first went away at this moment; the second is the first now.
                Err(mine) => body = mine,
            }
        }
        if let Some(lease) = &ticket.lease
            && waiting.of(lease) >= MOST_OF_LEASE
        {
            return Err(JoinError::Crowded);
        }
        if waiting.streams.len() as u64 + self.joined.load(Ordering::Relaxed) >= MOST as u64 {
            return Err(JoinError::Full);
        }
        let fate = Fate::until(ticket.cut);
        let (partner, arrives) = oneshot::channel();
        waiting.insert(
            stream,
            Waiting {
                client: ticket.client,
                lease: ticket.lease,
                body,
                fate: fate.clone(),
                partner,
            },
        );
        let slot = WaitingSlot {
            pairs: self.clone(),
            stream,
        };
        let late = Box::pin(sleep(ticket.patience));
        Ok(Relay::waiting(arrives, slot, late, fate, ticket.traffic))
    }

    /// The number of streams that wait for their other side.
    pub fn waiting(&self) -> usize {
        self.lock().streams.len()
    }

    /// The number of joined streams.
    pub fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, WaitingStreams<B>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl WaitingStreams ===

impl<B> Default for WaitingStreams<B> {
    fn default() -> Self {
        Self {
            streams: HashMap::new(),
            of_leases: HashMap::new(),
        }
    }
}

impl<B> WaitingStreams<B> {
    fn of(&self, lease: &Key) -> usize {
        self.of_leases.get(lease).copied().unwrap_or_default()
    }

    /// Adds a stream that does not wait yet.
    fn insert(&mut self, stream: Uuid, waiting: Waiting<B>) {
        if let Some(lease) = &waiting.lease {
            *self.of_leases.entry(lease.clone()).or_default() += 1;
        }
        self.streams.insert(stream, waiting);
    }

    fn remove(&mut self, stream: &Uuid) -> Option<Waiting<B>> {
        let waiting = self.streams.remove(stream)?;
        if let Some(lease) = &waiting.lease
            && let Some(count) = self.of_leases.get_mut(lease)
        {
            *count -= 1;
            if *count == 0 {
                self.of_leases.remove(lease);
            }
        }
        Some(waiting)
    }
}

// === impl Waiting ===

impl<B> Waiting<B> {
    fn is_same_side(&self, client: Option<bool>) -> bool {
        self.client.is_some() && self.client == client
    }
}

// === impl WaitingSlot ===

impl<B> Drop for WaitingSlot<B> {
    fn drop(&mut self) {
        let mut waiting = self.pairs.lock();
        // If the channel is open, a later side of the same stream has taken this slot.
        if waiting
            .streams
            .get(&self.stream)
            .is_some_and(|waiting| waiting.partner.is_closed())
        {
            waiting.remove(&self.stream);
        }
    }
}

// === impl Joined ===

impl Joined {
    fn new(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
