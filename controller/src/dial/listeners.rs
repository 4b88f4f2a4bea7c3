//! Invitations on their way to exporters: one queue per lease, in memory only.
//!
//! An exporter that listens again, after its connection broke, takes over the queue with all that
//! nobody has fetched. So an invitation is lost only with the exporter that fetched it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumpstarter_client::Secret;
use tokio::sync::Notify;

use crate::model::Uid;

/// So many clients wait for one exporter; it answers each within milliseconds.
const CAPACITY: usize = 64;

/// Where to meet.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The router.
    pub endpoint: String,
    /// Which stream there, and the right to it.
    pub token: Secret<String>,
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
    waiting: VecDeque<Invitation>,
    /// Grows with every exporter that takes the queue over; the last one has it.
    turn: u64,
    arrived: Arc<Notify>,
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
        let queue = queues.entry(lease).or_default();
        queue.turn += 1;
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
        let Some(queue) = queues.get_mut(&lease) else {
            return Offered::Nobody;
        };
        if queue.waiting.len() >= CAPACITY {
            return Offered::Full;
        }
        queue.waiting.push_back(invitation);
        queue.arrived.notify_waiters();
        Offered::Taken
    }

    /// Waits until somebody listens for this lease.
    pub async fn listened(&self, lease: Uid) {
        loop {
            // Taken before looking, so that one who begins in between is noticed.
            let began = self.0.began.notified();
            if self.lock().contains_key(&lease) {
                return;
            }
            began.await;
        }
    }

    /// How many exporters listen.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, Queue>> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
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
                    if let Some(invitation) = queue.waiting.pop_front() {
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
        if queues
            .get(&self.lease)
            .is_some_and(|queue| queue.turn == self.turn)
        {
            queues.remove(&self.lease);
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
    /// taken arrives once, unless the one who fetched it went away.
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
            assert_eq!(got, taken);
            assert!(!got.is_empty());
        }
    }
}
