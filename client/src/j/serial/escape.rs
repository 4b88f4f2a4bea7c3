//! The way out of a console: the same control key, three times in a row.

/// How often the key must be pressed.
const TIMES: usize = 3;

/// Watches what is typed for the key that leaves.
#[derive(Debug)]
pub(super) struct Escape {
    key: Key,
    seen: usize,
}

/// A letter pressed together with CTRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u8);

// === impl Key ===

impl Key {
    /// Reads `B`, `b` or `]`; the error is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            // Those that backspace, tab and enter send would lead out by mistake.
            [b'h' | b'H' | b'i' | b'I' | b'j' | b'J' | b'm' | b'M'] => {
                Err(format!("'{text}' with CTRL is what another key sends."))
            }
            [letter] if letter.is_ascii_alphabetic() || b"\\]^_".contains(letter) => {
                Ok(Self(letter.to_ascii_uppercase()))
            }
            _ => Err(format!(
                "'{text}' is not a letter from A to Z, nor one of \\ ] ^ _."
            )),
        }
    }

    /// The byte that a terminal sends for it.
    fn byte(self) -> u8 {
        self.0 & 0x1f
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CTRL+{}", char::from(self.0))
    }
}

// === impl Escape ===

impl Escape {
    pub(super) fn new(key: Key) -> Self {
        Self { key, seen: 0 }
    }

    /// How many of the typed bytes come before the user leaves; `None` if the user stays.
    ///
    /// The first two of the three are for the device, as they may have been meant for it.
    pub(super) fn find(&mut self, typed: &[u8]) -> Option<usize> {
        typed.iter().position(|byte| {
            self.seen = if *byte == self.key.byte() {
                self.seen + 1
            } else {
                0
            };
            self.seen == TIMES
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn escape() -> Escape {
        Escape::new(Key::parse("B").unwrap())
    }

    #[test]
    fn the_third_in_a_row_leaves() {
        assert_eq!(escape().find(b"ls\r\x02\x02\x02rest"), Some(5));
        assert_eq!(escape().find(b"\x02\x02a\x02\x02"), None);
        let mut escape = escape();
        assert_eq!(escape.find(b"\x02"), None);
        assert_eq!(escape.find(b"\x02"), None);
        assert_eq!(escape.find(b"\x02"), Some(0));
    }

    #[test]
    fn other_keys_can_be_chosen() {
        let key = Key::parse("]").unwrap();
        assert_eq!(key.to_string(), "CTRL+]");
        assert_eq!(Escape::new(key).find(b"\x02\x02\x02\x1d\x1d\x1d"), Some(5));
        assert_eq!(Key::parse("a").unwrap().to_string(), "CTRL+A");
        for text in ["", "1", "ab", "[", "m", "ä", " "] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// However the bytes are cut into pieces, the same one leaves.
        #[test]
        fn pieces_do_not_matter(
            typed in prop::collection::vec(prop_oneof![Just(2_u8), Just(b'a')], 0..40),
            piece in 1_usize..8,
        ) {
            let whole = escape().find(&typed);
            let mut parts = escape();
            let mut before = 0;
            let mut found = None;
            for part in typed.chunks(piece) {
                if let Some(place) = parts.find(part) {
                    found = Some(before + place);
                    break;
                }
                before += part.len();
            }
            prop_assert_eq!(found, whole);
        }
    }
}
