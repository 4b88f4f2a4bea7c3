//! Percent escapes, as in URLs and in the addresses of message buses.

/// The bytes that `text` stands for; none if a `%` is not followed by two hexadecimal digits.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            other => other,
        });
    }
    Some(bytes)
}

fn digit(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decoded;

    #[test]
    fn escapes_are_two_digits() {
        let text = |text| decoded(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(text("/tmp/a%20b%2C%2c").as_deref(), Some("/tmp/a b,,"));
        assert_eq!(text("").as_deref(), Some(""));
        for broken in ["%", "%2", "a%zz", "%+1", "%%20"] {
            assert_eq!(text(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_escaped_comes_back(bytes: Vec<u8>) {
            let text: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decoded(&text), Some(bytes));
        }

        #[test]
        fn nothing_breaks_it(text: String) {
            let plain = decoded(&text);
            if !text.contains('%') {
                prop_assert_eq!(plain, Some(text.into_bytes()));
            }
        }
    }
}
