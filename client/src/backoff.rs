//! Waiting longer after each failure, a little differently each time.
//!
//! Every reconnecting loop uses this, so that a hundred exporters that lost the same controller do
//! not all come back in the same millisecond.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// Delays that double from `first` to `most`, each shortened or lengthened by up to `jitter`.
///
/// ```
/// use std::time::Duration;
/// use jumpstarter_client::backoff::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2), 0.0)?;
/// assert_eq!(backoff.next_delay(), Duration::from_millis(100));
/// assert_eq!(backoff.next_delay(), Duration::from_millis(200));
/// backoff.reset();
/// assert_eq!(backoff.next_delay(), Duration::from_millis(100));
/// # Ok::<(), jumpstarter_client::backoff::InvalidBackoff>(())
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    jitter: f64,
    step: u32,
}

/// Why these delays make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidBackoff {
    /// Retrying without a pause would be a busy loop.
    #[error("the first delay must be longer than zero")]
    NoDelay,
    /// Delays never shrink.
    #[error("the longest delay must not be shorter than the first")]
    Shrinks,
    /// A jitter of 1 could make a delay zero.
    #[error("the jitter must be at least 0 and less than 1")]
    Jitter,
}

// === impl Backoff ===

impl Backoff {
    /// Delays from `first` to `most`; `jitter` is the part of a delay that is left to chance.
    ///
    /// # Errors
    ///
    /// When the numbers contradict each other.
    pub fn new(first: Duration, most: Duration, jitter: f64) -> Result<Self, InvalidBackoff> {
        if first.is_zero() {
            return Err(InvalidBackoff::NoDelay);
        }
        if most < first {
            return Err(InvalidBackoff::Shrinks);
        }
        if !(0.0..1.0).contains(&jitter) {
            return Err(InvalidBackoff::Jitter);
        }
        Ok(Self {
            first,
            most,
            jitter,
            step: 0,
        })
    }

    /// How long to wait now; the next answer is longer.
    pub fn next_delay(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.step);
        let delay = factor
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.most, |delay| delay.min(self.most));
        self.step = self.step.saturating_add(1);
        delay.mul_f64(1.0 + self.jitter * (2.0 * chance() - 1.0))
    }

    /// Starts again with the first delay, after something worked.
    pub fn reset(&mut self) {
        self.step = 0;
    }

    /// How many delays were handed out since the start or the last reset.
    pub fn failures(&self) -> u32 {
        self.step
    }
}

/// That long from now; what is beyond all clocks is a lifetime.
pub(crate) fn after(length: Duration) -> Instant {
    const LIFETIME: Duration = Duration::from_secs(100 * 365 * 86_400);
    let now = Instant::now();
    now.checked_add(length).unwrap_or(now + LIFETIME)
}

/// A number from 0 to 1 from the hasher's random keys: good enough to spread retries.
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contradictions_are_named() {
        let second = Duration::from_secs(1);
        let new = |first, most, jitter| Backoff::new(first, most, jitter).unwrap_err();
        assert_eq!(new(Duration::ZERO, second, 0.1), InvalidBackoff::NoDelay);
        assert_eq!(new(second * 2, second, 0.1), InvalidBackoff::Shrinks);
        assert_eq!(new(second, second, 1.0), InvalidBackoff::Jitter);
        assert_eq!(new(second, second, f64::NAN), InvalidBackoff::Jitter);
    }

    #[test]
    fn no_length_of_time_is_too_long() {
        assert!(after(Duration::MAX) > Instant::now());
        assert!(after(Duration::from_secs(u64::MAX / 2)) > after(Duration::from_secs(60)));
    }

    #[test]
    fn two_sequences_differ() {
        let delays = || {
            let mut backoff =
                Backoff::new(Duration::from_secs(1), Duration::from_secs(60), 0.5).unwrap();
            (0..8).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        assert_ne!(delays(), delays());
    }

    proptest! {
        #[test]
        fn delays_stay_within_their_bounds(
            first in 1_u64..5_000,
            extra in 0_u64..100_000,
            jitter in 0.0_f64..0.99,
            count in 1_usize..80,
        ) {
            let first = Duration::from_millis(first);
            let most = first + Duration::from_millis(extra);
            let mut backoff = Backoff::new(first, most, jitter).unwrap();
            for _ in 0..count {
                let delay = backoff.next_delay();
                prop_assert!(delay >= first.mul_f64(1.0 - jitter) - Duration::from_micros(1));
                prop_assert!(delay <= most.mul_f64(1.0 + jitter) + Duration::from_micros(1));
                prop_assert!(!delay.is_zero());
            }
        }

        #[test]
        fn without_jitter_delays_never_shrink(first in 1_u64..1_000, extra in 0_u64..100_000) {
            let first = Duration::from_millis(first);
            let mut backoff =
                Backoff::new(first, first + Duration::from_millis(extra), 0.0).unwrap();
            let delays: Vec<_> = (0..40).map(|_| backoff.next_delay()).collect();
            prop_assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
