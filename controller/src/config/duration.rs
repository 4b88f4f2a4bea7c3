//! Durations in Go's format: `8760h`, `1h30m`, `1.5s`, `300ms`.

use std::time::Duration;

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Parses a duration; `None` if it is not one.
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at(unit.unwrap_or(tail.len()));
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += amount.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    // Rounded, because of floating point.
    let nanos = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Duration::from_micros(
        u64::try_from((nanos.as_nanos() + 500) / 1000).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        let seconds = |text| parse(text).map(|found| found.as_secs_f64());
        assert_eq!(seconds("8760h"), Some(31_536_000.0));
        assert_eq!(seconds("1h30m0s"), Some(5400.0));
        assert_eq!(seconds("1.5s"), Some(1.5));
        assert_eq!(seconds("300ms"), Some(0.3));
        assert_eq!(seconds("0"), Some(0.0));
        for bad in [
            "",
            "1",
            "1d",
            "h",
            "-1s",
            "1.2.3s",
            "1s x",
            "99999999999999999999h",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
