//! Times as tables have them: how long ago, and how long.

use jiff::{SignedDuration, Timestamp};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;
const YEAR: i64 = 365 * DAY;

/// How long ago a time was; empty if it is none.
pub(super) fn age(time: &str, now: Timestamp) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => ago(now.duration_since(time).as_secs().max(0)),
        Err(_) => String::new(),
    }
}

/// The largest unit that fits, and what is left of the next one.
fn ago(seconds: i64) -> String {
    let (large, unit, small, rest) = match seconds {
        ..MINUTE => return format!("{seconds}s"),
        MINUTE..HOUR => (MINUTE, "m", 1, "s"),
        HOUR..DAY => (HOUR, "h", MINUTE, "m"),
        DAY..MONTH => (DAY, "d", HOUR, "h"),
        MONTH..YEAR => (MONTH, "mo", DAY, "d"),
        _ => (YEAR, "y", MONTH, "mo"),
    };
    let (whole, part) = (seconds / large, seconds % large / small);
    // From two hours on, minutes are not worth a word.
    let short = part == 0 || (large == HOUR && whole >= 2);
    match short {
        true => format!("{whole}{unit}"),
        false => format!("{whole}{unit}{part}{rest}"),
    }
}

/// A time without parts of a second, as Kubernetes writes it.
pub(super) fn whole_seconds(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// A length of time as Go writes it: `1h30m0s`.
pub(super) fn length(seconds: f64) -> String {
    let Ok(length) = SignedDuration::try_from_secs_f64(seconds) else {
        return String::new();
    };
    let (whole, fraction) = (length.as_secs(), length.subsec_millis());
    let (hours, minutes, seconds) = (whole / HOUR, whole % HOUR / MINUTE, whole % MINUTE);
    if whole == 0 && fraction != 0 {
        return format!("{fraction}ms");
    }
    let seconds = match fraction {
        0 => format!("{seconds}s"),
        fraction => {
            let fraction = format!("{fraction:03}");
            format!("{seconds}.{}s", fraction.trim_end_matches('0'))
        }
    };
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m1s"),
            (HOUR, "1h"),
            (HOUR + 90, "1h1m"),
            (2 * HOUR + 90, "2h"),
            (DAY, "1d"),
            (3 * DAY + 5 * HOUR, "3d5h"),
            (MONTH, "1mo"),
            (MONTH + 2 * DAY, "1mo2d"),
            (YEAR, "1y"),
            (YEAR + 2 * MONTH, "1y2mo"),
        ] {
            assert_eq!(ago(seconds), expected);
        }
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(100);
        assert_eq!(age("1970-01-01T00:00:10.5Z", now), "1m29s");
        assert_eq!(age("1970-01-01T00:10:00Z", now), "0s");
        assert_eq!(age("yesterday", now), "");
    }

    #[test]
    fn lengths_are_those_of_go() {
        for (seconds, expected) in [
            (0.0, "0s"),
            (0.3, "300ms"),
            (1.5, "1.5s"),
            (600.0, "10m0s"),
            (5400.0, "1h30m0s"),
            (3600.0, "1h0m0s"),
        ] {
            assert_eq!(length(seconds), expected);
        }
        assert_eq!(
            whole_seconds("2026-11-22T09:00:01.25Z"),
            "2026-11-22T09:00:01Z"
        );
    }
}
