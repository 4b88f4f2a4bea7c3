//! YAML as the reference writes it, so that both programs read each other's files alike.
//!
//! Texts that would mean something else to a YAML 1.1 reader (`yes`, `0755`, `12:30`, a date) or to
//! a YAML 1.2 reader (`1e3`) are quoted; no line is ever wrapped.

use serde::Serialize;
use serde_json::{Map, Value};

/// `value` as YAML, with the keys in their own order.
pub(crate) fn to_string<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    match serde_json::to_value(value)? {
        Value::Object(entries) if !entries.is_empty() => mapping(&mut out, 0, &entries),
        Value::Array(items) if !items.is_empty() => list(&mut out, 0, &items),
        other => {
            out.push_str(&leaf(&other));
            out.push('\n');
        }
    }
    Ok(out)
}

/// The same value with the keys of all its mappings in alphabetical order.
#[cfg(feature = "commands")]
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let entries = entries.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(entries.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn mapping(out: &mut String, indent: usize, entries: &Map<String, Value>) {
    for (at, (key, value)) in entries.iter().enumerate() {
        // The first key of a mapping in a list stands behind the dash.
        if at > 0 || out.is_empty() || out.ends_with('\n') {
            blanks(out, indent);
        }
        out.push_str(&text(key));
        out.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                mapping(out, indent + 2, inner);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                list(out, indent, items);
            }
            other => {
                out.push(' ');
                out.push_str(&leaf(other));
                out.push('\n');
            }
        }
    }
}

fn list(out: &mut String, indent: usize, items: &[Value]) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 || out.is_empty() || out.ends_with('\n') {
            blanks(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(inner) if !inner.is_empty() => mapping(out, indent + 2, inner),
            Value::Array(inner) if !inner.is_empty() => list(out, indent + 2, inner),
            other => {
                out.push_str(&leaf(other));
                out.push('\n');
            }
        }
    }
}

fn blanks(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// What fits on one line.
fn leaf(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(words) => text(words),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// A text, quoted if it must be.
fn text(words: &str) -> String {
    if words.chars().any(is_special) {
        return escaped(words);
    }
    if is_plain(words) && !means_something_else(words) {
        return words.to_owned();
    }
    format!("'{}'", words.replace('\'', "''"))
}

/// Characters that only the double-quoted form can carry.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn escaped(words: &str) -> String {
    let mut out = String::from("\"");
    for c in words.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_special(c) && u32::from(c) > 0xff => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c if is_special(c) => out.push_str(&format!("\\x{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether the characters can stand without quotes.
fn is_plain(words: &str) -> bool {
    let mut chars = words.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else {
        return false;
    };
    let lonely = second.is_none_or(|c| c == ' ');
    let indicator = match first {
        '?' | ':' | '-' => lonely,
        c => "#,[]{}&*!|>'\"%@`".contains(c),
    };
    !(indicator
        || words.starts_with("---")
        || words.starts_with("...")
        || words.starts_with(' ')
        || words.ends_with([' ', ':'])
        || words.contains(": ")
        || words.contains(" #"))
}

/// Whether a reader would take the text for a truth value, a number, a date or nothing.
fn means_something_else(words: &str) -> bool {
    const WORDS: [&str; 10] = [
        "true", "false", "yes", "no", "on", "off", "null", ".nan", ".inf", "~",
    ];
    let lower = words.to_ascii_lowercase();
    let unsigned = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    if WORDS.contains(&unsigned) || matches!(words, "<<" | "=") {
        return true;
    }
    // Every other spelling begins like a number and has nothing else in it.
    let mut chars = unsigned.chars();
    let begins = match chars.next() {
        Some('.') => chars.next().is_some_and(|c| c.is_ascii_digit() || c == '_'),
        first => first.is_some_and(|c| c.is_ascii_digit()),
    };
    begins && (number(unsigned) || date(unsigned))
}

fn number(text: &str) -> bool {
    let digits = |text: &str, radix: u32| {
        !text.is_empty() && text.chars().all(|c| c == '_' || c.is_digit(radix))
    };
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return digits(rest, radix);
        }
    }
    // Base sixty: `12:30`, `1:20:30.5`.
    let whole = |part: &str| digits(part, 10);
    let decimal = |part: &str| part.split('.').all(|it| it.is_empty() || whole(it));
    if let Some((first, rest)) = text.split_once(':') {
        return whole(first)
            && rest
                .split(':')
                .all(|part| !part.is_empty() && decimal(part));
    }
    text.replace('_', "").parse::<f64>().is_ok() || (decimal(text) && text.matches('.').count() < 2)
}

/// `2026-11-22`, with or without a time behind it.
fn date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut next = |least: usize, most: usize| {
        let part = parts.next().unwrap_or_default();
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        (least..=most)
            .contains(&digits)
            .then_some((digits, part.len()))
    };
    let (Some((year, all_of_year)), Some((month, all_of_month)), Some(_)) =
        (next(4, 4), next(1, 2), next(1, 2))
    else {
        return false;
    };
    year == all_of_year && month == all_of_month
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_indented_as_the_reference_does() {
        let value = json!({
            "kind": "X", "empty": {}, "none": [], "list": ["a", {"b": 1, "c": [true]}, ["d"]],
            "map": {"k": null, "f": 300.0},
        });
        let expected = "\
kind: X
empty: {}
none: []
list:
- a
- b: 1
  c:
  - true
- - d
map:
  k: null
  f: 300.0
";
        assert_eq!(to_string(&value).unwrap(), expected);
    }

    #[test]
    #[cfg(feature = "commands")]
    fn keys_can_be_sorted_at_every_depth() {
        let value = sorted(json!({"b": [{"z": 1, "a": 2}], "a": 0}));
        assert_eq!(to_string(&value).unwrap(), "a: 0\nb:\n- a: 2\n  z: 1\n");
    }

    #[test]
    fn texts_that_look_like_something_else_are_quoted() {
        for words in [
            "",
            "yes",
            "No",
            "ON",
            "null",
            "~",
            "0755",
            "12:30",
            "1:20:30.5",
            "2026-01-01",
            "1_000",
            "2026-11-22T07:00:00Z",
            "1e3",
            "0x1f",
            "1.5",
            ".5",
            "-3",
            "a: b",
            "a:",
            "- a",
            "#x",
            " x",
            "x ",
            "a #b",
            "*x",
            "{",
            "[a]",
            "!a",
            "%",
            "@",
            "`",
            "=",
            "<<",
            ".inf",
            "-.inf",
            "---",
            "1e400",
            "0o17",
            "1.",
        ] {
            assert_eq!(text(words), format!("'{words}'"));
        }
        for words in [
            "a",
            "abc.def",
            "grpc.lab:8082",
            "a=b,!c",
            "eyJhbGciOi.x-_",
            "namespaces/a/b",
            "-a",
            "a'b",
            "5 min",
            "1.2.3",
            "v1",
            "10.0.0.1:80x",
            "a, b",
            "ä",
            "2026-01",
        ] {
            assert_eq!(text(words), words);
        }
        assert_eq!(text("it's: 'x'"), "'it''s: ''x'''");
        assert_eq!(text("a\n\"b\"\u{7f}"), "\"a\\n\\\"b\\\"\\x7F\"");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(words in "\\PC{0,12}|[-+0-9a-z_.:#' \"\\[\\]{}\n\t]{0,10}") {
            let yaml = to_string(&json!({ words.clone(): [words.clone()] })).unwrap();
            let read: serde_yaml::Value = serde_yaml::from_str(&yaml).unwrap();
            let map = read.as_mapping().unwrap();
            let (key, value) = map.iter().next().unwrap();
            prop_assert_eq!(key.as_str(), Some(words.as_str()), "{}", &yaml);
            prop_assert_eq!(value[0].as_str(), Some(words.as_str()), "{}", &yaml);
        }
    }
}
