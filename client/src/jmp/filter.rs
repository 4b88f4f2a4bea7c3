//! Which leases `-l` means, decided here, because controllers compare labels only.
//!
//! The selector of a lease is what somebody asked for; a filter is compared with it, not with an
//! exporter. Parsing is forgiving, because people's scripts have been getting away with it: parts
//! that make no sense are dropped.

use std::collections::{BTreeMap, BTreeSet};

/// A filter, or the selector of a lease, in parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// `key=value`, in the order written.
    labels: Vec<(String, String)>,
    tests: BTreeSet<Test>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    key: String,
    operator: Operator,
    values: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    In,
    NotIn,
    NotEqual,
    Exists,
    Absent,
}

// === impl Filter ===

impl Filter {
    pub(super) fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for part in parts(text) {
            filter.add(part.trim());
        }
        filter
    }

    /// The part that controllers understand: `key=value`, comma-separated.
    pub(super) fn for_controller(&self) -> String {
        let labels = self
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        labels.collect::<Vec<_>>().join(",")
    }

    /// Whether a lease with this selector is meant.
    pub(super) fn means(&self, selector: &str) -> bool {
        let selector = Self::parse(selector);
        let labels: BTreeMap<&str, &str> = selector
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let same =
            |(key, value): &(String, String)| labels.get(key.as_str()) == Some(&value.as_str());
        self.labels.iter().all(same)
            && self.tests.iter().all(|test| {
                selector.tests.contains(test) || test.holds(labels.get(test.key.as_str()).copied())
            })
    }

    fn add(&mut self, part: &str) {
        if let Some(key) = part.strip_prefix('!').map(str::trim_start)
            && is_key(key)
        {
            self.test(key, Operator::Absent, BTreeSet::new());
            return;
        }
        let end = part.find(|c| !is_key_character(c)).unwrap_or(part.len());
        let (key, rest) = part.split_at(end);
        let spaced = rest.starts_with(char::is_whitespace);
        let rest = rest.trim_start();
        let list = |word| rest.strip_prefix(word).filter(|_| spaced).and_then(values);
        if key.is_empty() {
            // Nothing that could be meant.
        } else if let Some(values) = list("in") {
            self.test(key, Operator::In, values);
        } else if let Some(values) = list("notin") {
            self.test(key, Operator::NotIn, values);
        } else if let Some(value) = rest.strip_prefix("!=").map(str::trim) {
            if !value.is_empty() {
                self.test(key, Operator::NotEqual, BTreeSet::from([value.to_owned()]));
            }
        } else if let Some(value) = rest.strip_prefix('=') {
            let value = value.strip_prefix('=').unwrap_or(value).trim();
            if !value.is_empty() {
                self.label(key, value);
            }
        } else if rest.is_empty() {
            self.test(key, Operator::Exists, BTreeSet::new());
        }
    }

    fn label(&mut self, key: &str, value: &str) {
        match self.labels.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.labels.push((key.to_owned(), value.to_owned())),
        }
    }

    fn test(&mut self, key: &str, operator: Operator, values: BTreeSet<String>) {
        let key = key.to_owned();
        self.tests.insert(Test {
            key,
            operator,
            values,
        });
    }
}

// === impl Test ===

impl Test {
    /// Whether a label with this value, or none, passes.
    fn holds(&self, value: Option<&str>) -> bool {
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn | Operator::NotEqual => {
                value.is_none_or(|value| !self.values.contains(value))
            }
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
        }
    }
}

/// The text between commas, except those in parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut open) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '(' => open = text[at..].contains(')'),
            ')' => open = false,
            ',' if !open => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// What is between the parentheses behind `in`, which must be all there is.
fn values(rest: &str) -> Option<BTreeSet<String>> {
    let list = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let inner = list.strip_prefix('(')?.strip_suffix(')')?;
    let values = inner.split(',').map(|value| value.trim().to_owned());
    (!inner.contains(')')).then(|| values.collect())
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-')
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_key_character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controllers_get_the_labels_in_the_order_written() {
        for (text, expected) in [
            ("", ""),
            ("b=1,a=2", "b=1,a=2"),
            ("a = 1 , !b, c in (x, y), a==2,d", "a=2"),
            ("a=b=c,x!=y,e=", "a=b=c"),
            ("in(a,b),a>1", ""),
        ] {
            assert_eq!(Filter::parse(text).for_controller(), expected, "{text}");
        }
    }

    #[test]
    fn leases_are_compared_by_their_selectors() {
        for (selector, filter, expected) in [
            ("board=sa", "", true),
            ("board=sa,site=n", "board=sa", true),
            ("board=sa", "board=sb", false),
            ("board=sa", "board=sa,x=y", false),
            ("board=sa,!nonexistent", "!nonexistent", true),
            ("board=sa,!nonexistent", "board=sa,!production", true),
            ("board=sa,!nonexistent", "board=sa,!board", false),
            ("board=sa", "board", true),
            ("board", "board", true),
            ("other=1", "board", false),
            ("board=sa", "board in (sa, sb)", true),
            ("board in (sb, sa)", "board in (sa,sb)", true),
            ("board in (sa)", "board in (sa,sb)", false),
            ("board=sc", "board in (sa,sb)", false),
            ("board=sc", "board notin (sa,sb)", true),
            ("board=sa", "board notin (sa,sb)", false),
            ("x=y", "board!=sa", true),
            ("board=sa", "board!=sa", false),
            ("board!=sa", "board!=sa", true),
        ] {
            let met = Filter::parse(filter).means(selector);
            assert_eq!(met, expected, "`{filter}` of `{selector}`");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in "[a-c=!,() in]{0,20}|\\PC{0,10}") {
            let filter = Filter::parse(&text);
            prop_assert!(filter.means(&text));
        }
    }
}
