//! Streams that have been joined, whose tokens are worth nothing any more.
//!
//! A token is spent when its stream has both of its sides, not when it is first shown: an exporter
//! whose connection breaks while it waits comes again with the same token.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::{LIFETIME, RouterClaims, RouterTokenError};
use crate::model::Time;

/// Remembers spent streams for a little longer than their tokens are valid.
#[derive(Debug)]
pub struct SpentStreams(Mutex<Generations>);

#[derive(Debug)]
struct Generations {
    /// Since when `young` has been filled.
    since: Time,
    young: HashSet<Uuid>,
    old: HashSet<Uuid>,
}

// === impl SpentStreams ===

impl SpentStreams {
    /// No stream is spent yet.
    pub fn new() -> Self {
        Self(Mutex::new(Generations {
            since: Time::now(),
            young: HashSet::new(),
            old: HashSet::new(),
        }))
    }

    /// Marks a stream as joined.
    pub fn spend(&self, claims: &RouterClaims) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn(Time::now());
        generations.young.insert(claims.stream);
    }

    /// Checks that a stream has not been joined before.
    pub fn check(&self, claims: &RouterClaims) -> Result<(), RouterTokenError> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn(Time::now());
        // Other controllers may use the id of a stream again.
        let is_ours = claims.side.is_some();
        if is_ours && generations.contains(claims.stream) {
            return Err(RouterTokenError::Spent);
        }
        Ok(())
    }
}

impl Default for SpentStreams {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Generations ===

impl Generations {
    fn contains(&self, stream: Uuid) -> bool {
        self.young.contains(&stream) || self.old.contains(&stream)
    }

    /// Forgets the old generation once the young one is as old as any valid token.
    fn turn(&mut self, now: Time) {
        if now < self.since {
            // The clock was set back.
            self.since = now;
        }
        if now.since(self.since) >= LIFETIME {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(stream: u128) -> RouterClaims {
        RouterClaims {
            stream: Uuid::from_u128(stream),
            side: Some(super::super::Side::Client),
            lease: None,
            expires: Time(0),
        }
    }

    #[test]
    fn streams_are_joined_once() {
        let spent = SpentStreams::new();
        assert_eq!(spent.check(&claims(1)), Ok(()));
        assert_eq!(spent.check(&claims(1)), Ok(()));
        spent.spend(&claims(1));
        assert_eq!(spent.check(&claims(1)), Err(RouterTokenError::Spent));
        assert_eq!(spent.check(&claims(2)), Ok(()));
        let foreign = RouterClaims {
            side: None,
            ..claims(1)
        };
        assert_eq!(spent.check(&foreign), Ok(()));
    }

    #[test]
    fn a_stream_is_remembered_while_its_tokens_live() {
        let start = Time(1_000_000_000);
        let mut generations = Generations {
            since: start,
            young: HashSet::new(),
            old: HashSet::new(),
        };
        let almost = start
            .after(LIFETIME)
            .before(std::time::Duration::from_micros(1));
        generations.turn(almost);
        generations.young.insert(Uuid::from_u128(1));
        generations.turn(almost.after(LIFETIME));
        assert!(generations.contains(Uuid::from_u128(1)));
        generations.turn(almost.after(LIFETIME).after(LIFETIME));
        assert!(!generations.contains(Uuid::from_u128(1)));
    }
}
