//! Texts of strangers on our terminal: what would move the cursor, or do worse, is spelled out.
//!
//! ```text
//! ESC [ 2 J   (clears the screen)  ─►  \u{1b}[2J
//! ```

/// The text without control characters but line ends and tabs; everything else in it stays.
pub(crate) fn printable(text: &str) -> String {
    // Pages of web servers end their lines with both.
    let text = text.replace("\r\n", "\n");
    spelled_out(&text, |c| !matches!(c, '\n' | '\t'))
}

/// The same for what stands on one line: a cell of a table, a name.
#[cfg(feature = "commands")]
pub(crate) fn printable_line(text: &str) -> String {
    spelled_out(text, |_| true)
}

fn spelled_out(text: &str, harmful: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && harmful(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_are_spelled_out() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}c\rd"), "a\\u{1b}[2Jb\\u{9b}c\\rd");
        assert_eq!(printable("<html>\r\n\t<body>"), "<html>\n\t<body>");
        assert_eq!(printable("grün …"), "grün …");
    }

    #[cfg(feature = "commands")]
    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(printable_line("a\r\nb\tc\x07"), "a\\r\\nb\\tc\\u{7}");
    }

    proptest! {
        #[test]
        fn no_control_comes_out(text in any::<String>(), raw in "[\\x00-\\x1f\\x7f-\\x9f a]{0,20}") {
            for text in [text, raw] {
                let shown = printable(&text);
                prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
                // Twice is not worse than once.
                prop_assert_eq!(printable(&shown), shown);
            }
        }

        #[test]
        fn what_can_be_printed_stays(text in "[\\PC\n\t]{0,40}") {
            prop_assert_eq!(printable(&text), text);
        }
    }
}
