//! Invitations to streams, on their way to exporters: one queue per lease, in memory only.
//!
//! ```text
//!  offer ─► waiting ─► fetched ─► answered: both sides have met at the router
//!              ▲           │
//!              └───────────┘ the exporter opens another Listen stream
//! ```
//!
//! An invitation that was fetched need not have arrived: the connection may be dead without anybody
//! knowing. So it is kept until both sides have met, or until it is too old to be waited for. That they
//! have met is known only if this controller is their router, too.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jumpstarter_client::Secret;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::model::Uid;

/// Invitations that may wait for one exporter, which usually takes each within milliseconds.
const CAPACITY: usize = 64;
/// How long invitations are kept: longer than it takes to find a connection dead, which with the
/// default keepalive is 205 seconds.
const KEPT: Duration = Duration::from_secs(240);

/// Tells an exporter at which router a client waits for it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The router, `host:port`.
    pub endpoint: String,
    /// The exporter's router token for the stream.
    pub token: Secret<String>,
    /// The id of the stream.
    pub stream: Uuid,
}

/// The queues of all leases; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queues: Mutex<HashMap<Uid, Queue>>,
    /// Notified when an exporter begins to listen.
    began: Notify,
}

/// The invitations of one lease.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Offer>,
    /// Fetched and not known to be answered, the oldest first; at most [`CAPACITY`].
    fetched: VecDeque<Offer>,
    /// Counts the Listen streams of this lease; only the latest gets invitations.
    turn: u64,
    /// Whether the latest stream is still open.
    is_heard: bool,
    /// Notified when there is an invitation, or a newer stream.
    arrived: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Offer {
    invitation: Invitation,
    at: Instant,
}

/// A Listen stream of an exporter. Dropping it ends the listening, unless a newer stream has begun.
#[derive(Debug)]
pub struct Listening {
    listeners: Listeners,
    lease: Uid,
    turn: u64,
    arrived: Arc<Notify>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It waits for the exporter, which listens.
    Taken,
    /// No exporter listens.
    Nobody,
    /// `CAPACITY` invitations wait already.
    Full,
}

// === impl Listeners ===

impl Listeners {
    /// Begins to listen for a lease; an earlier stream for it ends.
    pub fn listen(&self, lease: Uid) -> Listening {
        let mut queues = self.lock();
        queues.retain(|_, queue| queue.is_heard || queue.holds_some());
        let queue = queues.entry(lease).or_default();
        queue.turn += 1;
        queue.is_heard = true;
        queue.take_back();
        // The earlier stream wakes up and ends.
        queue.arrived.notify_waiters();
        let listening = Listening {
            listeners: self.clone(),
            lease,
            turn: queue.turn,
            arrived: Arc::clone(&queue.arrived),
        };
        drop(queues);
        self.0.began.notify_waiters();
        listening
    }

    /// Queues an invitation, without waiting.
    pub fn offer(&self, lease: Uid, invitation: Invitation) -> Offered {
        let mut queues = self.lock();
        let queue = queues.get_mut(&lease).filter(|queue| queue.is_heard);
        let Some(queue) = queue else {
            return Offered::Nobody;
        };
        if queue.waiting.len() >= CAPACITY {
            return Offered::Full;
        }
        let at = Instant::now();
        queue.waiting.push_back(Offer { invitation, at });
        queue.arrived.notify_waiters();
        Offered::Taken
    }

    /// Forgets an invitation, because both sides of its stream have met.
    pub fn answered(&self, stream: Uuid) {
        for queue in self.lock().values_mut() {
            queue
                .fetched
                .retain(|offer| offer.invitation.stream != stream);
        }
    }

    /// Waits until somebody listens for this lease.
    pub async fn listened(&self, lease: Uid) {
        loop {
            // Before the look, so that a stream that begins in between is noticed.
            let began = self.0.began.notified();
            if self.lock().get(&lease).is_some_and(|queue| queue.is_heard) {
                return;
            }
            began.await;
        }
    }

    /// How many exporters listen.
    pub fn count(&self) -> usize {
        self.lock().values().filter(|queue| queue.is_heard).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, Queue>> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Queue ===

impl Queue {
    /// Takes the next invitation, and keeps a copy in case it does not arrive.
    fn fetch(&mut self) -> Option<Invitation> {
        let offer = self.waiting.pop_front()?;
        if self.fetched.len() >= CAPACITY {
            self.fetched.pop_front();
        }
        let invitation = offer.invitation.clone();
        self.fetched.push_back(offer);
        Some(invitation)
    }

    /// Puts the fetched invitations, which perhaps never arrived, back in front.
    fn take_back(&mut self) {
        self.fetched.append(&mut self.waiting);
        std::mem::swap(&mut self.fetched, &mut self.waiting);
        self.waiting.retain(Offer::is_current);
    }

    /// Whether there is an invitation for the next stream.
    fn holds_some(&self) -> bool {
        let mut all = self.fetched.iter().chain(&self.waiting);
        all.any(Offer::is_current)
    }
}

// === impl Offer ===

impl Offer {
    fn is_current(&self) -> bool {
        self.at.elapsed() < KEPT
    }
}

// === impl Listening ===

impl Listening {
    /// The next invitation; `None` once a newer stream has begun.
    pub async fn next(&mut self) -> Option<Invitation> {
        loop {
            let arrived = Arc::clone(&self.arrived);
            let arrived = arrived.notified();
            tokio::pin!(arrived);
            // From here on no notification is missed.
            arrived.as_mut().enable();
            match self.listeners.lock().get_mut(&self.lease) {
                Some(queue) if queue.turn == self.turn => {
                    if let Some(invitation) = queue.fetch() {
                        return Some(invitation);
                    }
                }
                _ => return None,
            }
            arrived.await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut queues = self.listeners.lock();
        let queue = queues.get_mut(&self.lease);
        if let Some(queue) = queue.filter(|queue| queue.turn == self.turn) {
            queue.is_heard = false;
            if !queue.holds_some() {
                queues.remove(&self.lease);
            }
        }
    }
}

#[cfg(test)]
mod tests;
