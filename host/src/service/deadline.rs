//! How long a client is willing to wait: the header `grpc-timeout`.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// The moment after which the client no longer listens, if it named one.
pub(super) fn of(metadata: &MetadataMap) -> Option<Instant> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    // A time too long to add is no limit.
    Instant::now().checked_add(parse(text)?)
}

/// Up to eight digits and a unit; what is malformed counts as absent.
fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn units() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(parse("4999m"), Some(Duration::from_millis(4999)));
        assert_eq!(parse("0u"), Some(Duration::ZERO));
        assert_eq!(parse("7n"), Some(Duration::from_nanos(7)));
    }

    #[test]
    fn nonsense_is_no_limit() {
        for text in ["", "S", "5", "5s", "-5S", "123456789S", "+5S", "5é", "1.5S"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
