//! Changing a few lines of a file, so that comments and everything else in it stay.

use serde_json::{Map, Value, json};

use crate::yaml;

/// The same text with other values for these keys of the top level, in the order in which they
/// stand there; none if that would change anything else.
pub(super) fn replace(text: &str, values: &[(&str, &str)]) -> Option<String> {
    let mut changed = text.to_owned();
    let mut above = None;
    for (key, value) in values {
        let line = yaml::to_string(&json!({ *key: value })).ok()?;
        changed = with_line(&changed, key, &line, above);
        above = Some(*key);
    }
    let parse = |text: &str| serde_yaml::from_str::<Map<String, Value>>(text).ok();
    let (mut before, after) = (parse(text)?, parse(&changed)?);
    for (key, value) in values {
        before.insert((*key).to_owned(), Value::String((*value).to_owned()));
    }
    (before == after).then_some(changed)
}

/// The same text without a value for this key of the top level; none if that would change anything
/// else.
pub(super) fn without(text: &str, key: &str) -> Option<String> {
    let changed: String = text
        .split_inclusive('\n')
        .filter(|line| !starts(line, key))
        .collect();
    let parse = |text: &str| serde_yaml::from_str::<Map<String, Value>>(text).ok();
    let (mut before, after) = (parse(text)?, parse(&changed)?);
    before.remove(key);
    (before == after).then_some(changed)
}

/// The text with `line` for the line of `key`: where it was, else below the line of `above`, else at
/// the end.
fn with_line(text: &str, key: &str, line: &str, above: Option<&str>) -> String {
    let there = text.lines().any(|old| starts(old, key));
    let mut changed = String::with_capacity(text.len() + line.len());
    let mut found = false;
    for old in text.split_inclusive('\n') {
        if starts(old, key) {
            changed.push_str(line);
            found = true;
            continue;
        }
        changed.push_str(old);
        if !there && !found && above.is_some_and(|above| starts(old, above)) {
            end_line(&mut changed);
            changed.push_str(line);
            found = true;
        }
    }
    if !found {
        end_line(&mut changed);
        changed.push_str(line);
    }
    changed
}

fn starts(line: &str, key: &str) -> bool {
    line.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(':'))
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_keep_their_places() {
        let changed = |text| replace(text, &[("token", "x"), ("refresh_token", "y")]).unwrap();
        assert_eq!(changed("a: 1"), "a: 1\ntoken: x\nrefresh_token: y\n");
        assert_eq!(
            changed("# mine\ntoken: old # until May\nb: {token: z}\n"),
            "# mine\ntoken: x\nrefresh_token: y\nb: {token: z}\n"
        );
        assert_eq!(
            changed("refresh_token: old\na: 1\ntoken: old"),
            "refresh_token: y\na: 1\ntoken: x\n"
        );
        assert_eq!(
            replace("tokens: 1\n", &[("token", "x")]).unwrap(),
            "tokens: 1\ntoken: x\n"
        );
    }

    #[test]
    fn a_value_goes_and_the_rest_stays() {
        assert_eq!(
            without(
                "# mine\ntoken: x\nrefresh_token: y # old\na: 1\n",
                "refresh_token"
            )
            .unwrap(),
            "# mine\ntoken: x\na: 1\n"
        );
        assert_eq!(without("a: 1\n", "refresh_token").unwrap(), "a: 1\n");
        for text in ["token: >\n  long\n", "{token: a}\n"] {
            assert_eq!(without(text, "token"), None, "{text}");
        }
    }

    #[test]
    fn a_value_in_a_strange_place_is_left_alone() {
        for text in [
            "token: >\n  long\n  token\n",
            "{token: a}\n",
            "a: |\n  x\ntoken:\n  y\n",
        ] {
            assert_eq!(replace(text, &[("token", "x")]), None, "{text}");
        }
    }
}
