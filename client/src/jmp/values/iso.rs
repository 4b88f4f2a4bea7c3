//! Durations of ISO 8601, and `2 days, 01:30`.

use super::duration::{DAY, HOUR};

/// Seconds of a duration without a sign.
pub(super) fn duration(text: &str) -> Option<f64> {
    match text.strip_prefix('P') {
        Some(rest) => designated(rest),
        None => spoken(text),
    }
}

/// What follows the `P`: `1DT2H30M`. The order does not matter; only the last number may have a
/// fraction.
fn designated(text: &str) -> Option<f64> {
    const DATE: [(char, f64); 4] = [
        ('Y', 365.0 * DAY),
        ('M', 30.0 * DAY),
        ('W', 7.0 * DAY),
        ('D', DAY),
    ];
    const TIME: [(char, f64); 3] = [('H', HOUR), ('M', 60.0), ('S', 1.0)];
    let (mut text, mut units, mut total) = (text, &DATE[..], None);
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix('T') {
            (text, units) = (rest, &TIME[..]);
            continue;
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at(end);
        let letter = rest.chars().next()?;
        let (_, unit) = units.iter().find(|(known, _)| *known == letter)?;
        text = &rest[letter.len_utf8()..];
        if number.contains('.') && !text.is_empty() {
            return None;
        }
        total = Some(total.unwrap_or_default() + number.parse::<f64>().ok()? * unit);
    }
    total
}

/// `3 days, 1:30`, `3 days 1:30:00.5`, `100:30`.
fn spoken(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let count: f64 = text[..end].parse().ok()?;
    let rest = text[end..].trim_start();
    let Some(rest) = rest
        .strip_prefix("days")
        .or_else(|| rest.strip_prefix("day"))
    else {
        return Some(count * HOUR + below(rest.strip_prefix(':')?, 60)? * 60.0);
    };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim();
    let (hours, rest) = rest.split_once(':').filter(|(hours, _)| hours.len() <= 2)?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "00"));
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let digits = !fraction.is_empty() && fraction.chars().all(|c| c.is_ascii_digit());
    let seconds = below(whole, 60)? + format!("0.{fraction}").parse::<f64>().ok()?;
    let clock = below(&format!("{hours:0>2}"), 24)? * HOUR + below(minutes, 60)? * 60.0 + seconds;
    digits.then_some(count * DAY + clock)
}

/// Two digits, less than `limit`.
fn below(text: &str, limit: u8) -> Option<f64> {
    let digits = text.len() == 2 && text.chars().all(|c| c.is_ascii_digit());
    let number: u8 = text.parse().ok()?;
    (digits && number < limit).then(|| number.into())
}
