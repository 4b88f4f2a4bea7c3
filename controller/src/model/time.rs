//! Points in time, as in the database and on the wire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(pub i64);

// === impl Time ===

impl Time {
    /// The earliest time on the wire: the beginning of the year 1.
    pub const FIRST: Self = Self(-62_135_596_800_000_000);
    /// The latest time on the wire: the end of the year 9999.
    pub const LAST: Self = Self(253_402_300_799_999_999);

    /// The wall clock of this machine.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// This much later; saturates.
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// This much earlier; saturates.
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// The time since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        })
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self {
            seconds: time.0.div_euclid(1_000_000),
            // Below a second, so it fits.
            nanos: time.0.rem_euclid(1_000_000) as i32 * 1000,
        }
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        let micros = timestamp.seconds.saturating_mul(1_000_000);
        Self(micros.saturating_add(i64::from(timestamp.nanos) / 1000))
    }
}
