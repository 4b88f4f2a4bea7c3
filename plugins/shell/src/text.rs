//! Bytes of a pipe to text, although a character may come in two pieces.

/// A decoder of UTF-8 that puts `U+FFFD` where there is none.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a character, at most three bytes.
    begun: Vec<u8>,
}

// === impl Decoder ===

impl Decoder {
    /// Appends what `bytes` say to `text`.
    pub(crate) fn push(&mut self, bytes: &[u8], text: &mut String) {
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            joined = [&std::mem::take(&mut self.begun), bytes].concat();
            &joined
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && may_go_on(invalid) {
                self.begun = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// No more bytes follow.
    pub(crate) fn finish(&mut self, text: &mut String) {
        if !std::mem::take(&mut self.begun).is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Whether further bytes can make a character of these.
fn may_go_on(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::Decoder;

    /// Decodes `bytes` in pieces of `size`.
    fn decode(bytes: &[u8], size: usize) -> String {
        let (mut decoder, mut text) = (Decoder::default(), String::new());
        bytes
            .chunks(size)
            .for_each(|piece| decoder.push(piece, &mut text));
        decoder.finish(&mut text);
        text
    }

    #[test]
    fn characters_survive_any_cut() {
        let text = "a\u{e4}\u{20ac}\u{1f600} end";
        for size in 1..=text.len() {
            assert_eq!(decode(text.as_bytes(), size), text, "{size}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_the_same_way_at_any_cut() {
        let odd = b"a\xffb\xf0\x9f\x98z\xe2\x82 \xc0\x80\xed\xa0\x80\xe2\x82";
        let whole = String::from_utf8_lossy(odd);
        for size in 1..=odd.len() {
            assert_eq!(decode(odd, size), whole, "{size}");
        }
    }
}
