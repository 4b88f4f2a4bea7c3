//! Invitations on their way to exporters: one queue per lease, in memory only.
//!
//! ```text
//!  offer ─► waiting ─► fetched ─► answered: both sides have met at the router
//!              ▲           │
//!              └───────────┘ another exporter's stream takes over, or the same exporter comes back
//! ```
//!
//! That an invitation was fetched does not mean that it arrived: the connection may be dead without
//! anybody knowing. So it is kept until it is known to be answered, or too old to be waited for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jumpstarter_client::Secret;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::model::Uid;

/// So many clients wait for one exporter; it answers each within milliseconds.
const CAPACITY: usize = 64;
/// A dead connection is found out by its pings within 205 seconds; its invitations are kept for longer.
const KEPT: Duration = Duration::from_secs(240);

/// Where to meet.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The router.
    pub endpoint: String,
    /// The right to a stream there.
    pub token: Secret<String>,
    /// Which stream.
    pub stream: Uuid,
}

/// All queues; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queues: Mutex<HashMap<Uid, Queue>>,
    /// Somebody has begun to listen.
    began: Notify,
}

/// The queue of a lease.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Offer>,
    /// Not known to be answered, the oldest first; no more than may wait.
    fetched: VecDeque<Offer>,
    /// Grows with every exporter that takes the queue over; the last one has it.
    turn: u64,
    /// Whether the last one is still there.
    is_heard: bool,
    arrived: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Offer {
    invitation: Invitation,
    at: Instant,
}

/// An exporter that listens. When it is dropped, nobody does, unless another has taken over.
#[derive(Debug)]
pub struct Listening {
    listeners: Listeners,
    lease: Uid,
    turn: u64,
    arrived: Arc<Notify>,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The exporter will have it.
    Taken,
    /// Nobody listens.
    Nobody,
    /// Too many wait already.
    Full,
}

// === impl Listeners ===

impl Listeners {
    /// Takes over the queue of a lease.
    pub fn listen(&self, lease: Uid) -> Listening {
        let mut queues = self.lock();
        queues.retain(|_, queue| queue.is_heard || queue.holds_some());
        let queue = queues.entry(lease).or_default();
        queue.turn += 1;
        queue.is_heard = true;
        queue.take_back();
        // Whoever had it before learns that it is over.
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

    /// Sends an invitation, without waiting.
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

    /// Both sides of a stream have met; its invitation has done what it was for.
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
            // Taken before looking, so that one who begins in between is noticed.
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
    /// The next one, which is kept in case that it does not arrive.
    fn fetch(&mut self) -> Option<Invitation> {
        let offer = self.waiting.pop_front()?;
        if self.fetched.len() >= CAPACITY {
            self.fetched.pop_front();
        }
        let invitation = offer.invitation.clone();
        self.fetched.push_back(offer);
        Some(invitation)
    }

    /// What was fetched and perhaps never arrived comes first again.
    fn take_back(&mut self) {
        self.fetched.append(&mut self.waiting);
        std::mem::swap(&mut self.fetched, &mut self.waiting);
        self.waiting.retain(Offer::is_current);
    }

    /// Whether there is something for an exporter that comes back.
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
    /// The next invitation; none when another exporter has taken over.
    pub async fn next(&mut self) -> Option<Invitation> {
        loop {
            let arrived = Arc::clone(&self.arrived);
            let arrived = arrived.notified();
            tokio::pin!(arrived);
            // From here on nothing is missed.
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
