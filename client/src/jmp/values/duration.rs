//! Durations, in all the ways people write them.
//!
//! ```text
//! 90   1.5   1e3                      seconds
//! 30m   3h30m   1d 3h, 40min   2w/1d  numbers with units, the larger ones first
//! 1:30   01:30:00   2d 1:30:00        clocks; the first is a minute and a half
//! PT1H30M   P1DT2H   2 days, 01:30    ISO 8601 and its relatives
//! ```

use jiff::SignedDuration;

use super::iso;

/// What is accepted, which is as much as the reference can hold.
const RANGE: std::ops::Range<f64> = -999_999_999.0 * DAY..1e9 * DAY;

/// Units, larger ones first: seconds, names.
const UNITS: [(f64, &[&str]); 8] = [
    (365.0 * DAY, &["y", "ys", "yr", "yrs", "year", "years"]),
    (30.0 * DAY, &["mo", "mos", "mth", "mths", "month", "months"]),
    (7.0 * DAY, &["w", "wk", "wks", "week", "weeks"]),
    (DAY, &["d", "dy", "dys", "day", "days"]),
    (HOUR, &["h", "hr", "hrs", "hour", "hours"]),
    (60.0, &["m", "min", "mins", "minute", "minutes"]),
    (1.0, &["s", "sec", "secs", "second", "seconds"]),
    (
        0.001,
        &[
            "ms",
            "msec",
            "msecs",
            "millis",
            "millisecond",
            "milliseconds",
        ],
    ),
];

pub(super) const DAY: f64 = 86_400.0;
pub(super) const HOUR: f64 = 3_600.0;

/// Parses a duration.
pub(in crate::jmp) fn duration(text: &str) -> Result<SignedDuration, String> {
    let seconds = seconds(text).ok_or_else(|| {
        format!(
            "'{text}' is not a valid duration \
             (e.g., '30m', '3h30m', '1d', '1d3h40m', 'PT1H30M', '01:30:00')"
        )
    })?;
    // Not in the range if it is no number, either.
    if !RANGE.contains(&seconds) {
        return Err(format!("'{text}' exceeds the maximum allowed duration"));
    }
    // A millionth of a second is the smallest part that counts. All of it fits, being in range.
    let whole = seconds.trunc();
    let micros = ((seconds - whole) * 1e6).round_ties_even();
    Ok(SignedDuration::from_secs(whole as i64) + SignedDuration::from_micros(micros as i64))
}

/// Parses a duration that must not be shorter than five seconds.
pub(in crate::jmp) fn at_least_5_seconds(text: &str) -> Result<SignedDuration, String> {
    at_least(5, text)
}

/// Parses a duration that may be nothing, but not less.
pub(in crate::jmp) fn not_negative(text: &str) -> Result<SignedDuration, String> {
    at_least(0, text)
}

fn at_least(seconds: i64, text: &str) -> Result<SignedDuration, String> {
    let duration = duration(text)?;
    if duration < SignedDuration::from_secs(seconds) {
        return Err(format!("'{text}' must be at least {seconds} seconds"));
    }
    Ok(duration)
}

/// All grammars, one after the other.
fn seconds(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    if let Some(whole) = integer(trimmed) {
        return Some(whole);
    }
    let (sign, rest) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let rest = rest.trim_start();
    let unsigned = units(rest)
        .or_else(|| clock(rest))
        .or_else(|| decimal(rest));
    unsigned
        .or_else(|| iso::duration(rest))
        .map(|seconds| sign * seconds)
}

/// A whole number, however large, perhaps with `_` between digits.
fn integer(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let grouped = digits
        .split('_')
        .all(|group| !group.is_empty() && group.chars().all(|c| c.is_ascii_digit()));
    grouped
        .then(|| text.replace('_', "").parse().ok())
        .flatten()
}

/// `1.5`, `1e3`.
fn decimal(text: &str) -> Option<f64> {
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+');
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.filter(|_| begins && text.chars().all(numeric))
}

/// `1d 3h, 40min`: all of `text`.
fn units(text: &str) -> Option<f64> {
    let (total, rest) = amounts(text, &UNITS)?;
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

/// As many amounts with these units, in this order, as `text` begins with; and what follows them.
fn amounts<'t>(mut text: &'t str, units: &[(f64, &[&str])]) -> Option<(f64, &'t str)> {
    let mut total = 0.0;
    let mut left = units;
    while let Some((number, name, rest)) = amount(text) {
        let name = name.to_ascii_lowercase();
        let Some(at) = left
            .iter()
            .position(|(_, names)| names.contains(&name.as_str()))
        else {
            break;
        };
        total += number.parse::<f64>().ok()? * left[at].0;
        // Behind seconds and parts of them there is no separator.
        text = if left[at].0 > 1.0 {
            separated(rest)
        } else {
            rest.trim_start()
        };
        left = &left[at + 1..];
    }
    Some((total, text))
}

/// A number, the letters behind it, and the rest.
fn amount(text: &str) -> Option<(&str, &str, &str)> {
    let (number, rest) = take(text, |c| c.is_ascii_digit() || c == '.');
    let (name, rest) = take(rest.trim_start(), |c| c.is_ascii_alphabetic());
    (!number.is_empty() && !name.is_empty()).then_some((number, name, rest))
}

/// What follows blanks and one separator.
fn separated(text: &str) -> &str {
    let text = text.trim_start();
    text.strip_prefix([',', '/']).unwrap_or(text).trim_start()
}

fn take(text: &str, good: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !good(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// `:SS`, `M:SS`, `H:MM:SS` behind weeks and days, `D:HH:MM:SS`; a fraction behind the seconds.
fn clock(text: &str) -> Option<f64> {
    let (before, text) = amounts(text, &UNITS[2..4])?;
    let parts: Vec<&str> = text.split(':').collect();
    let (last, earlier) = parts.split_last()?;
    let (whole, fraction) = last.split_once('.').unwrap_or((last, "0"));
    let number = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        let good = lengths.contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
        good.then(|| part.parse::<f64>().ok()).flatten()
    };
    number(fraction, 1..=usize::MAX)?;
    number(whole, 2..=2)?;
    let seconds: f64 = last.parse().ok()?;
    let any = 1..=usize::MAX;
    let clock = match earlier {
        [""] if before == 0.0 => 0.0,
        [minutes] if before == 0.0 => number(minutes, 1..=2)? * 60.0,
        [hours, minutes] => number(hours, any)? * HOUR + number(minutes, 2..=2)? * 60.0,
        [days, hours, minutes] if before == 0.0 => {
            number(days, any)? * DAY + number(hours, 2..=2)? * HOUR + number(minutes, 2..=2)? * 60.0
        }
        _ => return None,
    };
    Some(before + clock + seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> i128 {
        duration(text)
            .unwrap_or_else(|why| panic!("{why}"))
            .as_millis()
    }

    #[test]
    fn every_spelling_is_understood() {
        for (text, expected) in [
            ("90", 90_000),
            (" 90 ", 90_000),
            ("-5", -5_000),
            ("1_000", 1_000_000),
            ("1.5", 1_500),
            ("1e3", 1_000_000),
            ("30m", 1_800_000),
            ("3h30m", 12_600_000),
            ("1d3h40m", 99_600_000),
            ("1 day, 2 hours / 3 minutes 4 sec", 93_784_000),
            ("1d,", 86_400_000),
            ("100:59", 363_540_000),
            ("3 days 1:30", 264_600_000),
            ("PT1M2H", 7_260_000),
            ("86399999999999", 86_399_999_999_999_000),
            ("1.5h", 5_400_000),
            ("2W", 1_209_600_000),
            ("1y", 31_536_000_000),
            ("1mo", 2_592_000_000),
            ("1s500ms", 1_500),
            ("250 millis", 250),
            ("-2h", -7_200_000),
            ("+2h", 7_200_000),
            ("1:30", 90_000),
            (":30", 30_000),
            ("01:30:00", 5_400_000),
            ("1:30:00.5", 5_400_500),
            ("1d 1:30:00", 91_800_000),
            ("2 days, 01:30:00", 178_200_000),
            ("1w2d 00:00:01", 777_601_000),
            ("1:02:03:04", 93_784_000),
            ("PT1H30M", 5_400_000),
            ("P1DT2H30M", 95_400_000),
            ("-PT5S", -5_000),
            ("PT0.5S", 500),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            " ",
            "-",
            "abc",
            "1h30",
            "30m1h",
            "1x",
            "1.2.3h",
            "1s,",
            "1s, 5ms",
            "P1.5DT1H",
            "3 days 24:00",
            "3 days 1:60",
            "1e400",
            "h",
            "1:2",
            "1:2:3",
            "1h,,2m",
            "P",
            "PT",
            "nan",
            "inf",
            "1 2",
            "__1",
            "1h 1:00:00",
            "0x10",
            "ä",
        ] {
            let error = duration(text).unwrap_err();
            let expected =
                format!("'{text}' is not a valid duration (e.g., '30m', '3h30m', '1d', ");
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn too_much_and_too_little_have_their_own_words() {
        for text in [
            "999999999999999999",
            "1e300",
            "99999999999y",
            &"9".repeat(400),
        ] {
            let expected = format!("'{text}' exceeds the maximum allowed duration");
            assert_eq!(duration(text).unwrap_err(), expected);
        }
        assert_eq!(
            at_least_5_seconds("4s").unwrap_err(),
            "'4s' must be at least 5 seconds"
        );
        assert_eq!(
            not_negative("-1").unwrap_err(),
            "'-1' must be at least 0 seconds"
        );
        assert!(not_negative("0").unwrap().is_zero());
        assert_eq!(at_least_5_seconds("5").unwrap().as_secs(), 5);
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in "[-+0-9a-zPTHMSDWY.:,/_ ]{0,16}|\\PC{0,8}") {
            if let Ok(duration) = duration(&text) {
                prop_assert!(duration.as_secs().unsigned_abs() <= 86_400 * 1_000_000_000);
            }
        }

        #[test]
        fn units_add_up(days in 0_i128..400, hours in 0_i128..30, minutes in 0_i128..90) {
            let text = format!("{days}d {hours}h, {minutes} minutes");
            prop_assert_eq!(millis(&text), ((days * 24 + hours) * 60 + minutes) * 60_000);
        }

        #[test]
        fn clocks_tell_the_same_as_units(hours in 0_i128..30, minutes in 0..60, seconds in 0..60) {
            let clock = format!("{hours}:{minutes:02}:{seconds:02}");
            let iso = format!("PT{hours}H{minutes}M{seconds}S");
            let units = format!("{hours}h{minutes}m{seconds}s");
            prop_assert_eq!(millis(&clock), millis(&units));
            prop_assert_eq!(millis(&iso), millis(&units));
        }
    }
}
