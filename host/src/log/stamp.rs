//! Moments, written the way log readers expect them: ISO 8601, UTC, microseconds.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

// === impl Stamp ===

impl Stamp {
    pub(super) fn now() -> Self {
        // A clock before 1970 is a board without a battery: 1970 is as good as any date then.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            seconds: since.as_secs() as i64,
            nanos: since.subsec_nanos(),
        }
    }

    /// Appends `2026-11-22T00:03:04.000123Z`.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let (year, month, day) = date(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400) as u32;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], year as u32);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], second / 3600);
        digits(&mut text[14..16], second / 60 % 60);
        digits(&mut text[17..19], second % 60);
        digits(&mut text[20..26], self.nanos / 1000);
        out.extend_from_slice(&text);
    }
}

fn digits(out: &mut [u8], mut number: u32) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of the given day since 1970-01-01.
///
/// Counts in years that begin in March, so that the leap day comes last, and in eras of 400 years,
/// which all have the same number of days.
fn date(days: i64) -> (i64, u32, u32) {
    const ERA: i64 = 146_097;
    let from_march_of_year_0 = days + 719_468;
    let era = from_march_of_year_0.div_euclid(ERA);
    let day_of_era = from_march_of_year_0.rem_euclid(ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) = match month_from_march {
        0..=9 => (month_from_march + 3, 0),
        _ => (month_from_march - 9, 1),
    };
    (
        year_of_era + era * 400 + next_year,
        month as u32,
        day as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    fn text(seconds: i64, nanos: u32) -> String {
        let mut out = Vec::new();
        Stamp { seconds, nanos }.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn known_moments() {
        assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(951_782_400, 999), "2000-02-29T00:00:00.000000Z");
        assert_eq!(
            text(1_704_067_199, 999_999_999),
            "2023-12-31T23:59:59.999999Z"
        );
        assert_eq!(text(1_704_067_200, 1_000), "2024-01-01T00:00:00.000001Z");
        assert_eq!(text(4_102_444_800, 678_000), "2100-01-01T00:00:00.000678Z");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = super::date(-1);
        for day in 0..60_000 {
            let this = super::date(day);
            assert!(this > last, "{last:?} is followed by {this:?}");
            assert!(this.2 == last.2 + 1 || this.2 == 1);
            last = this;
        }
    }
}
