//! Points in time: `2026-11-22T09:00:00+01:00`, `2026-11-22 09:00`, a date, or seconds since 1970.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Numbers beyond this count milliseconds.
const SECONDS: f64 = 2e10;

/// Parses a point in time; without a zone it is one of the clock on the wall.
pub(in crate::jmp) fn datetime(text: &str) -> Result<Timestamp, String> {
    in_zone(text, &TimeZone::system()).ok_or_else(|| format!("'{text}' is not a valid datetime"))
}

fn in_zone(text: &str, local: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(timestamp) = counted(text) {
        return Some(timestamp);
    }
    // A zone in brackets is jiff's own idea.
    if text.contains('[') {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned: Zoned = civil.to_zoned(local.clone()).ok()?;
    Some(zoned.timestamp())
}

/// Seconds since 1970, or milliseconds.
fn counted(text: &str) -> Option<Timestamp> {
    let numeric = |c: char| c.is_ascii_digit() || c == '.';
    if !text.strip_prefix('-').unwrap_or(text).chars().all(numeric) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let seconds = if number.abs() > SECONDS {
        number / 1000.0
    } else {
        number
    };
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_are_optional() {
        let local = TimeZone::fixed(jiff::tz::offset(2));
        for (text, expected) in [
            ("2026-11-22T09:00:00Z", "2026-11-22T09:00:00Z"),
            ("2026-11-22T09:00:00+01:00", "2026-11-22T08:00:00Z"),
            ("2026-11-22T09:00:00.25-0130", "2026-11-22T10:30:00.25Z"),
            ("2026-11-22T09:00:00", "2026-11-22T07:00:00Z"),
            ("2026-11-22 09:00", "2026-11-22T07:00:00Z"),
            ("2026-11-22 09:00Z", "2026-11-22T09:00:00Z"),
            ("2026-11-22", "2026-11-21T22:00:00Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("1700000000000", "2023-11-14T22:13:20Z"),
            ("1700000000.5", "2023-11-14T22:13:20.5Z"),
        ] {
            let parsed = in_zone(text, &local).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(parsed.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-11-22T25:00",
            "2026-11-22T09:00[Europe/Paris]",
            ".",
        ] {
            let expected = format!("'{text}' is not a valid datetime");
            assert_eq!(datetime(text).unwrap_err(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in "[-+0-9TZ:. ]{0,24}|\\PC{0,8}") {
            datetime(&text).ok();
        }
    }
}
