//! Reads from when until when a certificate is valid, and nothing else of it.

use crate::model::Time;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The validity of a certificate in DER; `None` if it cannot be parsed.
pub(super) fn validity(certificate: &[u8]) -> Option<(Time, Time)> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        (_, rest) = first(rest)?;
    }
    // Skips serial number, signature algorithm and issuer.
    for _ in 0..3 {
        (_, rest) = first(rest)?;
    }
    let (times, _) = element(rest, SEQUENCE)?;
    let (begin, times) = time(times)?;
    let (end, _) = time(times)?;
    Some((begin, end))
}

/// The content of the first DER element, and what follows it.
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&_tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7f);
        if digits > 4 {
            return None;
        }
        let (bytes, after) = rest.split_at_checked(digits)?;
        length = bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    rest.split_at_checked(length)
}

fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    first(bytes).filter(|_| bytes.first() == Some(&tag))
}

fn time(bytes: &[u8]) -> Option<(Time, &[u8])> {
    let (text, rest) = first(bytes)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, text) = match *bytes.first()? {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (number(year)?, text)
        }
        _ => return None,
    };
    if text.len() != 10 {
        return None;
    }
    let part = |at: usize| number(text.get(at..at + 2)?);
    let days = days(year, part(0)?, part(2)?)?;
    let seconds = days * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
    Some((Time(seconds * 1_000_000), rest))
}

fn number(text: &str) -> Option<i64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Days from 1970 to a date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = BEFORE.get(usize::try_from(month - 1).ok()?)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    // Leap days before this year, and in it.
    let years = year - 1;
    let leaps = years / 4 - years / 100 + years / 400 - 477;
    let leap = i64::from(is_leap && month > 2);
    Some((year - 1970) * 365 + leaps + before + leap + day - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_counted() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(2026, 11, 22), Some(20_779));
        assert_eq!(days(2026, 13, 1), None);
    }

    proptest! {
        #[test]
        fn certificates_say_when_they_end(begin in 0..4_000_000_000_u64, length in 0..4_000_000_000_u64) {
            let epoch = rcgen::date_time_ymd(1970, 1, 1);
            let seconds = std::time::Duration::from_secs;
            let mut params = rcgen::CertificateParams::new(["a".to_owned()]).unwrap();
            params.not_before = epoch + seconds(begin);
            params.not_after = epoch + seconds(begin + length);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let at = |seconds: u64| Time(i64::try_from(seconds).unwrap() * 1_000_000);
            prop_assert_eq!(validity(certificate.der()), Some((at(begin), at(begin + length))));
            for cut in 0..certificate.der().len() {
                let _whatever = validity(&certificate.der()[..cut]);
            }
        }

        #[test]
        fn nothing_upsets_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _whatever = validity(&bytes);
        }
    }
}
