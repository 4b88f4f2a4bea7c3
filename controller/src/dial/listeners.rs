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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn invitation(number: usize) -> Invitation {
        Invitation {
            endpoint: number.to_string(),
            token: Secret::new(String::new()),
            stream: Uuid::from_u128(number as u128),
        }
    }

    fn lease() -> Uid {
        crate::model::samples::uid("lease")
    }

    async fn next(listening: &mut Listening) -> Option<String> {
        listening.next().await.map(|invitation| invitation.endpoint)
    }

    #[tokio::test]
    async fn invitations_come_in_order() {
        let listeners = Listeners::default();
        assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Nobody);
        let mut listening = listeners.listen(lease());
        for number in 0..3 {
            assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
        }
        for number in 0..3 {
            assert_eq!(next(&mut listening).await, Some(number.to_string()));
        }
        drop(listening);
        assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Nobody);
        assert_eq!(listeners.count(), 0);
    }

    #[tokio::test]
    async fn the_newest_listener_gets_what_nobody_has_fetched() {
        let listeners = Listeners::default();
        let mut old = listeners.listen(lease());
        assert_eq!(listeners.offer(lease(), invitation(1)), Offered::Taken);
        let mut new = listeners.listen(lease());
        assert_eq!(listeners.offer(lease(), invitation(2)), Offered::Taken);
        assert_eq!(next(&mut old).await, None);
        // The old one going away takes nothing with it.
        drop(old);
        assert_eq!(next(&mut new).await, Some("1".to_owned()));
        assert_eq!(next(&mut new).await, Some("2".to_owned()));
    }

    #[tokio::test]
    async fn what_a_dead_connection_has_fetched_is_offered_again() {
        let listeners = Listeners::default();
        let mut dead = listeners.listen(lease());
        for number in 1..4 {
            assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
        }
        for number in 1..3 {
            assert_eq!(next(&mut dead).await, Some(number.to_string()));
        }
        listeners.answered(Uuid::from_u128(1));
        // It takes over while the dead one is still there.
        let mut back = listeners.listen(lease());
        assert_eq!(next(&mut back).await, Some("2".to_owned()));
        assert_eq!(next(&mut back).await, Some("3".to_owned()));
        listeners.answered(Uuid::from_u128(3));
        // It goes before it comes again.
        drop((dead, back));
        assert_eq!(listeners.count(), 0);
        assert_eq!(listeners.offer(lease(), invitation(4)), Offered::Nobody);
        let mut again = listeners.listen(lease());
        assert_eq!(next(&mut again).await, Some("2".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_kept_who_waits_no_longer() {
        let listeners = Listeners::default();
        let mut dead = listeners.listen(lease());
        assert_eq!(listeners.offer(lease(), invitation(1)), Offered::Taken);
        assert_eq!(next(&mut dead).await, Some("1".to_owned()));
        tokio::time::advance(KEPT).await;
        drop(dead);
        assert!(listeners.lock().is_empty());
        let mut back = listeners.listen(lease());
        assert_eq!(listeners.offer(lease(), invitation(2)), Offered::Taken);
        assert_eq!(next(&mut back).await, Some("2".to_owned()));
    }

    #[tokio::test]
    async fn a_listener_that_waits_learns_that_it_is_over() {
        let listeners = Listeners::default();
        let mut old = listeners.listen(lease());
        let waiting = tokio::spawn(async move { next(&mut old).await });
        tokio::task::yield_now().await;
        let _new = listeners.listen(lease());
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[tokio::test]
    async fn too_many_are_refused_at_once_and_a_new_listener_is_not_kept_waiting() {
        let listeners = Listeners::default();
        let mut listening = listeners.listen(lease());
        for number in 0..CAPACITY {
            assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
        }
        assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Full);
        assert!(next(&mut listening).await.is_some());
        assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Taken);
        let mut new = listeners.listen(lease());
        assert_eq!(next(&mut new).await, Some("0".to_owned()));
        assert_eq!(next(&mut new).await, Some("1".to_owned()));
    }

    #[tokio::test]
    async fn a_client_can_wait_for_an_exporter_to_listen() {
        let listeners = Listeners::default();
        let waiting = {
            let listeners = listeners.clone();
            tokio::spawn(async move { listeners.listened(lease()).await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let _listening = listeners.listen(lease());
        waiting.await.unwrap();
    }

    /// Listeners that come and go in another's face, and offers at the same time: everything that was
    /// taken arrives, and what the first has fetched may do so twice.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_lost_between_two_listeners() {
        for _ in 0..20 {
            let listeners = Listeners::default();
            let first = listeners.listen(lease());
            let offering = {
                let listeners = listeners.clone();
                tokio::spawn(async move {
                    (0..20)
                        .filter(|number| {
                            listeners.offer(lease(), invitation(*number)) == Offered::Taken
                        })
                        .collect::<Vec<_>>()
                })
            };
            let collect = |mut listening: Listening| {
                tokio::spawn(async move {
                    let mut got = Vec::new();
                    while let Ok(Some(endpoint)) = tokio::time::timeout(
                        std::time::Duration::from_millis(30),
                        next(&mut listening),
                    )
                    .await
                    {
                        got.push(endpoint.parse::<usize>().unwrap());
                    }
                    got
                })
            };
            let old = collect(first);
            let new = collect(listeners.listen(lease()));
            let taken = offering.await.unwrap();
            let mut got = old.await.unwrap();
            got.extend(new.await.unwrap());
            got.sort_unstable();
            got.dedup();
            assert_eq!(got, taken);
            assert!(!got.is_empty());
        }
    }
}
