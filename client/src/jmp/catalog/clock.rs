//! Times of the controller on the clock on the wall.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// A time of the controller; none if it is beyond what calendars know.
pub(super) fn timestamp(time: &prost_types::Timestamp) -> Option<Timestamp> {
    // The reference knows no smaller parts than these.
    let micros = time.nanos / 1000 * 1000;
    Timestamp::new(time.seconds, micros).ok()
}

/// The same for a length of time.
pub(super) fn duration(duration: &prost_types::Duration) -> SignedDuration {
    SignedDuration::new(duration.seconds, duration.nanos / 1000 * 1000)
}

/// `2026-11-22 09:00:00`, here.
pub(super) fn local(time: Timestamp) -> String {
    here(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-22T09:00:00+01:00`, here; `Z` where that is UTC.
pub(super) fn iso(time: Timestamp) -> String {
    let time = here(time);
    let seconds = time.strftime("%Y-%m-%dT%H:%M:%S");
    let fraction = match time.subsec_nanosecond() / 1000 {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    if time.offset().is_zero() {
        format!("{seconds}{fraction}Z")
    } else {
        format!("{seconds}{fraction}{}", time.strftime("%:z"))
    }
}

fn here(time: Timestamp) -> Zoned {
    time.to_zoned(TimeZone::system())
}
