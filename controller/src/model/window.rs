//! When a lease may begin and has to end, worked out from any sensible pair of begin, end and duration.

use std::time::Duration;

use super::Time;

/// The times of a lease, worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When it may begin.
    pub begin: Option<Time>,
    /// When it has to end.
    pub end: Option<Time>,
    /// Its length.
    pub duration: Option<Duration>,
}

/// A duration as clients send it, which may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub micros: i64,
}

/// The times that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// When it may begin.
    pub begin: Option<Time>,
    /// When it has to end.
    pub end: Option<Time>,
    /// Its length.
    pub duration: Option<Length>,
}

/// Why the times make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Begin, end and duration contradict each other.
    #[error("duration conflicts with begin_time and end_time")]
    Conflict,
    /// Neither a duration nor an end is given.
    #[error("duration is required (must specify Duration, or both BeginTime and EndTime)")]
    Endless,
    /// The end is not after the beginning.
    #[error("duration must be positive, got {0}")]
    NotPositive(Length),
    /// It is longer than a hundred years.
    #[error("duration must be at most {LONGEST}, got {0}")]
    TooLong(Length),
    /// It ends after the year 9999, which clients cannot read.
    #[error("the lease would end after the year 9999")]
    TooLate,
    /// It begins before the year 1, which clients cannot read.
    #[error("the lease would begin before the year 1")]
    TooEarly,
}

/// A hundred years. Go has durations up to three times that, but Python has no times after the year
/// 9999, and one lease that a client cannot read hides all others from it.
const LONGEST: Length = Length {
    micros: 876_000 * 3600 * 1_000_000,
};

// === impl Wish ===

impl Wish {
    /// Works out what is missing.
    ///
    /// # Errors
    ///
    /// Too little is given, or it contradicts itself.
    pub fn resolve(self) -> Result<Window, WindowError> {
        match (self.begin, self.end, self.duration) {
            (Some(begin), Some(end), duration) => {
                let length = Length {
                    micros: end.0.saturating_sub(begin.0),
                };
                let said = duration.filter(|said| said.micros > 0);
                if said.is_some_and(|said| said != length) {
                    return Err(WindowError::Conflict);
                }
                Ok(Window {
                    begin: Some(begin),
                    end: Some(end),
                    duration: Some(length.checked()?),
                })
            }
            (None, Some(end), Some(length)) => {
                let duration = length.checked()?;
                let begin = end.before(duration);
                if begin < Time::FIRST {
                    return Err(WindowError::TooEarly);
                }
                Ok(Window {
                    begin: Some(begin),
                    end: Some(end),
                    duration: Some(duration),
                })
            }
            (begin, None, Some(length)) => {
                let duration = length.checked()?;
                if begin.is_some_and(|begin| begin.after(duration) > Time::LAST) {
                    return Err(WindowError::TooLate);
                }
                Ok(Window {
                    begin,
                    end: None,
                    duration: Some(duration),
                })
            }
            (_, _, None) => Err(WindowError::Endless),
        }
    }
}

// === impl Length ===

impl Length {
    fn checked(self) -> Result<Duration, WindowError> {
        match u64::try_from(self.micros) {
            _ if self.micros > LONGEST.micros => Err(WindowError::TooLong(self)),
            Ok(micros) if micros > 0 => Ok(Duration::from_micros(micros)),
            _ => Err(WindowError::NotPositive(self)),
        }
    }
}

impl From<Duration> for Length {
    fn from(duration: Duration) -> Self {
        Self {
            micros: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
        }
    }
}

impl From<prost_types::Duration> for Length {
    fn from(duration: prost_types::Duration) -> Self {
        let micros = duration.seconds.saturating_mul(1_000_000);
        Self {
            micros: micros.saturating_add(i64::from(duration.nanos) / 1000),
        }
    }
}

/// In Go's format, on which programs rely: `1h30m0s`, `-2s`, `1.5s`, `0s`.
impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.micros < 0 {
            f.write_str("-")?;
        }
        let micros = self.micros.unsigned_abs();
        if micros > 0 && micros < 1_000_000 {
            let (unit, size) = if micros < 1000 {
                ("µs", 1)
            } else {
                ("ms", 1000)
            };
            return write!(f, "{}{unit}", micros as f64 / f64::from(size));
        }
        let seconds = micros / 1_000_000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let rest = (micros % 60_000_000) as f64 / 1e6;
        write!(f, "{rest}s")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn resolve(
        begin: Option<i64>,
        end: Option<i64>,
        duration: Option<i64>,
    ) -> Result<(Option<i64>, Option<i64>, i64), String> {
        let wish = Wish {
            begin: begin.map(|hours| Time(hours * HOUR)),
            end: end.map(|hours| Time(hours * HOUR)),
            duration: duration.map(|hours| Length {
                micros: hours * HOUR,
            }),
        };
        let hours = |time: Option<Time>| time.map(|time| time.0 / HOUR);
        let window = wish.resolve().map_err(|error| error.to_string())?;
        let length = window.duration.unwrap().as_secs() as i64 / 3600;
        Ok((hours(window.begin), hours(window.end), length))
    }

    #[test]
    fn any_two_make_the_third() {
        assert_eq!(resolve(None, None, Some(2)), Ok((None, None, 2)));
        assert_eq!(resolve(Some(1), None, Some(2)), Ok((Some(1), None, 2)));
        assert_eq!(resolve(Some(1), Some(4), None), Ok((Some(1), Some(4), 3)));
        assert_eq!(resolve(None, Some(4), Some(3)), Ok((Some(1), Some(4), 3)));
        assert_eq!(
            resolve(Some(1), Some(4), Some(3)),
            Ok((Some(1), Some(4), 3))
        );
        assert_eq!(
            resolve(Some(1), Some(4), Some(0)),
            Ok((Some(1), Some(4), 3))
        );
    }

    #[test]
    fn contradictions_are_named() {
        let conflict = "duration conflicts with begin_time and end_time";
        let endless = "duration is required (must specify Duration, or both BeginTime and EndTime)";
        assert_eq!(resolve(Some(1), Some(4), Some(2)), Err(conflict.into()));
        for (begin, end) in [(None, None), (Some(1), None), (None, Some(1))] {
            assert_eq!(resolve(begin, end, None), Err(endless.into()));
        }
        let not_positive = |hours: &str| Err(format!("duration must be positive, got {hours}"));
        assert_eq!(resolve(None, None, Some(0)), not_positive("0s"));
        assert_eq!(resolve(None, None, Some(-2)), not_positive("-2h0m0s"));
        assert_eq!(resolve(Some(4), Some(1), None), not_positive("-3h0m0s"));
        assert_eq!(resolve(Some(4), Some(4), None), not_positive("0s"));
        let told = resolve(None, None, Some(876_001)).unwrap_err();
        assert_eq!(
            told,
            "duration must be at most 876000h0m0s, got 876001h0m0s"
        );
        let last = Time::LAST.0 / HOUR;
        let late = "the lease would end after the year 9999";
        assert_eq!(resolve(Some(last), None, Some(1)), Err(late.into()));
        let first = Time::FIRST.0 / HOUR;
        let early = "the lease would begin before the year 1";
        assert_eq!(resolve(None, Some(first), Some(1)), Err(early.into()));
    }

    #[test]
    fn lengths_are_written_as_go_does() {
        let text = |micros| Length { micros }.to_string();
        assert_eq!(text(-2_000_000), "-2s");
        assert_eq!(text(1_500_000), "1.5s");
        assert_eq!(text(90_000_000), "1m30s");
        assert_eq!(text(5_400_000_000), "1h30m0s");
        assert_eq!(text(1_500), "1.5ms");
        assert_eq!(text(7), "7µs");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_windows_are_consistent(
            begin in proptest::option::of(any::<i64>()),
            end in proptest::option::of(any::<i64>()),
            micros in proptest::option::of(any::<i64>()),
        ) {
            let wish = Wish {
                begin: begin.map(Time),
                end: end.map(Time),
                duration: micros.map(|micros| Length { micros }),
            };
            if let Ok(window) = wish.resolve() {
                let duration = window.duration.unwrap();
                prop_assert!(!duration.is_zero());
                if let (Some(begin), Some(end)) = (window.begin, window.end) {
                    prop_assert!(begin < end);
                }
            }
        }
    }
}
