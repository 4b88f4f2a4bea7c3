//! What the server remembers of one connection: whether its peer has authenticated.
//!
//! Most resources of the controller are for connections with at least one authenticated call, since
//! anybody can open many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The state of one connection, which its requests carry as an extension; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ConnectionState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    authenticated: AtomicBool,
    /// Requests whose bodies are not complete.
    unfinished: AtomicUsize,
}

/// Counts a request whose body is not complete, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnfinishedRequest {
    connection: ConnectionState,
}

// === impl ConnectionState ===

impl ConnectionState {
    /// A call was authenticated. That counts until the connection ends.
    pub(crate) fn mark_authenticated(&self) {
        self.0.authenticated.store(true, Ordering::Relaxed);
    }

    /// Whether one of its calls was authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.0.authenticated.load(Ordering::Relaxed)
    }

    /// Counts a request that has begun, unless `most` are unfinished already.
    pub(crate) fn begin_request(&self, most: usize) -> Option<UnfinishedRequest> {
        let more = |count| (count < most).then_some(count + 1);
        let counted = &self.0.unfinished;
        let begun = counted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        begun.is_ok().then(|| UnfinishedRequest {
            connection: self.clone(),
        })
    }
}

// === impl UnfinishedRequest ===

impl Drop for UnfinishedRequest {
    fn drop(&mut self) {
        self.connection.0.unfinished.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_unfinished_is_counted() {
        let connection = ConnectionState::default();
        let first = connection.begin_request(2).unwrap();
        let second = connection.clone().begin_request(2).unwrap();
        assert!(connection.begin_request(2).is_none());
        drop(first);
        drop((connection.begin_request(2).unwrap(), second));
        assert!(connection.begin_request(1).is_some());
    }
}
