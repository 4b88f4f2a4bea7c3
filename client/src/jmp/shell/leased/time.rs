//! Times and lengths of time as people read them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

const DAY: u64 = 86_400;

/// `1:02:03`, `2 days, 0:00:00`.
pub(super) fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, rest) = (seconds / DAY, seconds % DAY);
    let time = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match days {
        0 => time,
        1 => format!("1 day, {time}"),
        days => format!("{days} days, {time}"),
    }
}

/// The same without days: `49:02:03`.
pub(super) fn hours(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// `2026-11-22 09:00:00`, here.
pub(super) fn second(time: SystemTime) -> String {
    local(time, "%Y-%m-%d %H:%M:%S")
}

/// `2026-11-22 09:00`, here.
pub(super) fn minute(time: SystemTime) -> String {
    local(time, "%Y-%m-%d %H:%M")
}

fn local(time: SystemTime, format: &str) -> String {
    // Beyond what calendars know there is no better word.
    Timestamp::try_from(time).map_or_else(
        |_| "the end of time".to_owned(),
        |time| {
            time.to_zoned(TimeZone::system())
                .strftime(format)
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_clocks() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0:00:00");
        assert_eq!(shown(1800), "0:30:00");
        assert_eq!(shown(DAY + 3661), "1 day, 1:01:01");
        assert_eq!(shown(3 * DAY), "3 days, 0:00:00");
        assert_eq!(hours(Duration::from_secs(2 * DAY + 61)), "48:01:01");
    }

    #[test]
    fn times_are_local() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let (long, short) = (second(time), minute(time));
        assert_eq!(long.len(), "2001-09-09 01:46:40".len());
        assert!(long.starts_with(&short) && long.ends_with(":40"), "{long}");
    }
}
