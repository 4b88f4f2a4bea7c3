//! Forms and queries, as browsers write them.

/// Fields of a form, or of a query.
pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    let fields = form
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)));
    fields.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The value of a field of a query.
pub(crate) fn field(query: &str, key: &str) -> Option<String> {
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    let (_, value) = fields.find(|(name, _)| unescape(name) == key)?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: u8| (byte as char).to_digit(16);
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = pair {
                    // Two digits of base sixteen fit into a byte.
                    out.push((high * 16 + low) as u8);
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_field_comes_back(key in "\\PC{1,8}", value in "\\PC{0,12}") {
            let query = encode(&[("first", "x"), (&key, &value)]);
            prop_assert!(query.is_ascii());
            if key != "first" {
                prop_assert_eq!(field(&query, &key), Some(value));
            }
        }

        #[test]
        fn no_query_is_a_surprise(query in "[a-c%=&+0-9]{0,20}") {
            field(&query, "a");
        }
    }
}
