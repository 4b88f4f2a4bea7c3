//! Writes a tree as YAML that every reader understands alike.
//!
//! Emitters for YAML 1.2 leave `on`, `1:20` or `2026-01-01` bare, which PyYAML reads as a boolean, a
//! number and a date. Here a text is bare only if it looks like a word to everybody; a script is a
//! block after `|`; anything else is in double quotes.

use std::fmt::Write;

use super::{Node, Value};

/// The document for a tree.
pub(super) fn emit(root: &Node) -> String {
    let mut out = String::new();
    if is_nested(root) {
        block(&mut out, root, 0);
    } else {
        inline(&mut out, root, 2);
        out.push('\n');
    }
    out
}

/// Whether a value takes lines of its own.
fn is_nested(node: &Node) -> bool {
    match &node.value {
        Value::Map(members) => !members.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    }
}

/// The lines of a list or mapping that is not empty.
fn block(out: &mut String, node: &Node, indent: usize) {
    match &node.value {
        Value::Map(members) => {
            for member in members {
                pad(out, indent);
                text(out, &member.key);
                out.push(':');
                below(out, &member.value, indent);
            }
        }
        Value::List(items) => {
            for item in items {
                pad(out, indent);
                out.push('-');
                if is_nested(item) {
                    // The first line goes beside the dash.
                    let mut lines = String::new();
                    block(&mut lines, item, indent + 2);
                    out.push(' ');
                    out.push_str(lines.trim_start());
                } else {
                    below(out, item, indent);
                }
            }
        }
        _ => {}
    }
}

/// What follows a `key:`, or a `-` with a scalar.
fn below(out: &mut String, node: &Node, indent: usize) {
    if is_nested(node) {
        out.push('\n');
        block(out, node, indent + 2);
    } else {
        out.push(' ');
        inline(out, node, indent + 2);
        out.push('\n');
    }
}

fn inline(out: &mut String, node: &Node, indent: usize) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => push(out, format_args!("{value}")),
        Value::Float(value) => float(out, *value),
        Value::Text(value) if is_script(value) => script(out, value, indent),
        Value::Text(value) => text(out, value),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
    }
}

fn float(out: &mut String, value: f64) {
    match value {
        _ if value.is_nan() => out.push_str(".nan"),
        f64::INFINITY => out.push_str(".inf"),
        f64::NEG_INFINITY => out.push_str("-.inf"),
        // Without an exponent: `1e300` is a text in YAML 1.1.
        _ if value.fract() == 0.0 => push(out, format_args!("{value}.0")),
        _ => push(out, format_args!("{value}")),
    }
}

fn text(out: &mut String, value: &str) {
    if is_word(value) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) && c <= '\u{ff}' => push(out, format_args!("\\x{:02x}", c as u32)),
            c if needs_escape(c) => push(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What a YAML 1.1 reader would take for a line break, a byte order mark or an intruder.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text that is itself in every YAML.
fn is_word(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
    let words = text
        .split(' ')
        .all(|word| !word.is_empty() && word.chars().all(inner));
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    // YAML 1.1 without PyYAML's regular expressions knows one-letter booleans too.
    let boolean = matches!(text, "y" | "Y" | "n" | "N");
    words && first && !boolean && super::yaml::is_text(text)
}

/// A text of several lines that can stand as a block.
fn is_script(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let first = body.chars().next();
    body.contains('\n')
        && !body.ends_with('\n')
        && !matches!(first, None | Some(' ' | '\t' | '\n' | '#'))
        && !body
            .chars()
            .any(|c| needs_escape(c) && !matches!(c, '\n' | '\t'))
        && body
            .lines()
            .all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
}

fn script(out: &mut String, text: &str, indent: usize) {
    let body = match text.strip_suffix('\n') {
        Some(body) => {
            out.push('|');
            body
        }
        None => {
            out.push_str("|-");
            text
        }
    };
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    out.write_fmt(text).ok();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::yaml, *};

    /// A tree without places, for comparison.
    fn bare(node: &Node) -> String {
        match &node.value {
            Value::List(items) => format!("{:?}", items.iter().map(bare).collect::<Vec<_>>()),
            Value::Map(members) => {
                let pair =
                    |member: &super::super::Member| (member.key.clone(), bare(&member.value));
                format!("{:?}", members.iter().map(pair).collect::<Vec<_>>())
            }
            value => format!("{value:?}"),
        }
    }

    fn tree() -> impl Strategy<Value = Node> {
        let word = prop_oneof![
            "[a-z0-9:_.+-]{0,6}",
            "(on|off|y|no|null|~|0755|1:20|1e3|1.5e+3|2026-01-01|0x1f|<<|=|.inf)",
            "\\PC{0,12}",
            "[a-z \t#:\n-]{0,30}",
            any::<String>(),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|n| Value::Int(n.into())),
            prop::num::f64::NORMAL.prop_map(Value::Float),
            word.clone().prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            let node = inner.prop_map(Node::bare);
            let members = prop::collection::btree_map(word.clone(), node.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(node, 0..5).prop_map(Value::List),
                members.prop_map(|map| Node::map(map).value),
            ]
        })
        .prop_map(Node::bare)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(tree in tree()) {
            let text = emit(&tree);
            let read = yaml::parse(&text).map_err(|e| TestCaseError::fail(format!("{e:?}\n{text}")))?;
            prop_assert_eq!(bare(&read.root), bare(&tree), "{}", text);
        }
    }

    #[test]
    fn scripts_stay_readable() {
        let script = Node::bare(Value::Text("echo hi\n  j power on\n".into()));
        let text = emit(&Node::map([(
            "hooks".to_owned(),
            Node::map([("script".to_owned(), script)]),
        )]));
        assert_eq!(text, "hooks:\n  script: |\n    echo hi\n      j power on\n");
    }

    #[test]
    fn texts_that_pyyaml_reads_otherwise_are_quoted() {
        for text in [
            "on",
            "y",
            "1:20",
            "1_000",
            "2026-01-01",
            "0755",
            "null",
            "a: b",
            "",
            "-",
            "a ",
        ] {
            let mut out = String::new();
            super::text(&mut out, text);
            assert_eq!(out, format!("{text:?}"));
        }
        let mut out = String::new();
        super::text(&mut out, "jumpstarter_driver_power.driver.MockPower");
        assert_eq!(out, "jumpstarter_driver_power.driver.MockPower");
    }
}
