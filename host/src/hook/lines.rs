//! Makes lines of what appears on a terminal.

/// A longer line is logged in pieces of this size: a hook that never ends its line must neither fill
/// the memory nor stay silent.
const LONGEST: usize = 16 * 1024;

/// The line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

// === impl Lines ===

impl Lines {
    /// Takes what has appeared and calls `line` with every line that has ended by it.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&str)) {
        while !bytes.is_empty() {
            let room = LONGEST.saturating_sub(self.partial.len());
            let (part, rest) = bytes.split_at(bytes.len().min(room));
            if let Some(end) = part.iter().position(|&byte| byte == b'\n') {
                self.partial.extend_from_slice(&part[..end]);
                emit(&self.partial, &mut line);
                self.partial.clear();
                bytes = &bytes[end + 1..];
            } else {
                self.partial.extend_from_slice(part);
                bytes = rest;
                if self.partial.len() == LONGEST {
                    let cut = cut(&self.partial);
                    emit(&self.partial[..cut], &mut line);
                    self.partial.drain(..cut);
                }
            }
        }
    }

    /// Nothing more will appear: what there is, is a line, too.
    pub(super) fn finish(self, line: impl FnOnce(&str)) {
        emit(&self.partial, line);
    }
}

/// A line as it is logged: without the terminal's CR, without blanks at its end, and not at all if
/// nothing is left then.
fn emit(bytes: &[u8], line: impl FnOnce(&str)) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    if !text.is_empty() {
        line(text);
    }
}

/// Where to cut a line that is too long: not inside a character.
fn cut(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last() {
        // A character that has just begun is three bytes at most. More is no character.
        Some(last) if (1..4).contains(&last.invalid().len()) => {
            let begun = bytes.len() - last.invalid().len();
            if begun == 0 { bytes.len() } else { begun }
        }
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Lines};

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.push(chunk, |line| seen.push(line.to_owned()));
            assert!(lines.partial.len() < LONGEST);
        }
        lines.finish(|line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn blank_lines_and_trailing_blanks_go() {
        let seen = lines(&[b"\r\n  one \t\r\n\n \r\n\ttwo\r\nthree"]);
        assert_eq!(seen, ["  one", "\ttwo", "three"]);
        assert_eq!(lines(&[b"", b"\n", b" \t"]), [""; 0]);
    }

    #[test]
    fn a_partial_line_waits_for_its_end() {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        lines.push(b"half", |line| panic!("{line}"));
        lines.push("… é".as_bytes(), |line| panic!("{line}"));
        lines.push(b"\nnext", |line| seen.push(line.to_owned()));
        assert_eq!(seen, ["half… é"]);
    }

    #[test]
    fn wherever_it_is_torn_the_lines_are_the_same() {
        let text = "one\r\nzwei äöü\r\n\r\n🙂🙂\r\nlast".as_bytes();
        let whole = lines(&[text]);
        assert_eq!(whole, ["one", "zwei äöü", "🙂🙂", "last"]);
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            assert_eq!(lines(&[a, b]), whole);
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(lines(&bytes), whole);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        let seen = lines(&[b"a\xffb\xc3\ncut \xf0\x9f\n"]);
        assert_eq!(seen, ["a\u{fffd}b\u{fffd}", "cut \u{fffd}"]);
    }

    #[test]
    fn an_endless_line_comes_in_pieces_with_whole_characters() {
        for start in ["", "a", "ab", "abc"] {
            let text = format!("{start}{}", "🙂".repeat(20_000));
            let seen = lines(&[text.as_bytes()]);
            assert!(seen.len() > 4);
            assert_eq!(seen.concat(), text);
            let small: Vec<_> = text.as_bytes().chunks(4095).collect();
            assert_eq!(lines(&small), seen);
        }
        // Bytes that are no characters come through as well.
        let seen = lines(&[&[0x80; 3 * LONGEST]]);
        let shown: usize = seen.iter().map(|line| line.chars().count()).sum();
        assert_eq!(shown, 3 * LONGEST);
        // A line that is as long as the longest one is still one line.
        let text = [vec![b'x'; LONGEST], b"\r\nnext\n".to_vec()].concat();
        assert_eq!(lines(&[&text]).len(), 2);
    }
}
