//! Durations of ISO 8601, and `2 days, 01:30`.

use super::duration::{DAY, HOUR};

/// Seconds of a duration without a sign.
pub(super) fn duration(text: &str) -> Option<f64> {
    match text.strip_prefix('P') {
        Some(rest) => designated(rest),
        None => spoken(text),
    }
}

/// What follows the `P`: `1DT2H30M`.
fn designated(text: &str) -> Option<f64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let of_date = [
        ('Y', 365.0 * DAY),
        ('M', 30.0 * DAY),
        ('W', 7.0 * DAY),
        ('D', DAY),
    ];
    let of_time = [('H', HOUR), ('M', 60.0), ('S', 1.0)];
    match time {
        None if date.is_empty() => None,
        None => sum(date, &of_date),
        Some("") => None,
        Some(time) => Some(sum(date, &of_date)? + sum(time, &of_time)?),
    }
}

fn sum(mut text: &str, mut units: &[(char, f64)]) -> Option<f64> {
    let mut total = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = text[..end].parse().ok()?;
        let unit = text[end..].chars().next()?;
        let at = units.iter().position(|(letter, _)| *letter == unit)?;
        total += number * units[at].1;
        units = &units[at + 1..];
        text = &text[end + unit.len_utf8()..];
    }
    Some(total)
}

/// `3 days, 1:30`, `3 days 1:30:00.5`.
fn spoken(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let days: f64 = text[..end].parse().ok()?;
    let rest = text[end..].trim_start();
    let rest = rest
        .strip_prefix("days")
        .or_else(|| rest.strip_prefix("day"))?;
    let rest = rest.trim_start().strip_prefix(',').unwrap_or(rest).trim();
    let mut parts = rest.split(':');
    let (hours, minutes) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("0");
    let whole = |text: &str| -> Option<f64> {
        let digits =
            !text.is_empty() && text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    if parts.next().is_some() || !seconds.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(days * DAY + whole(hours)? * HOUR + whole(minutes)? * 60.0 + seconds.parse::<f64>().ok()?)
}
