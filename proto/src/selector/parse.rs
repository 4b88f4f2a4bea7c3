//! Reading a selector, one requirement after the other.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::{Requirement, Selector, SelectorError, Test};

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let requirements = split(text)
            .map(requirement)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Selector::new(requirements))
    }
}

/// The parts between the commas outside parentheses, without empty ones: selectors are joined
/// from several options, some of them blank.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    let parts = text.split(move |c| {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        c == ',' && !inside
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn requirement(part: &str) -> Result<Requirement, SelectorError> {
    if let Some(label) = part.strip_prefix('!') {
        return Ok(Requirement {
            key: key(label.trim())?,
            test: Test::Absent,
        });
    }
    let end = part.find(|c: char| c.is_whitespace() || "=!(),<>".contains(c));
    let (label, rest) = part.split_at(end.unwrap_or(part.len()));
    let key = key(label)?;
    let test = test(&key, rest.trim())?;
    Ok(Requirement { key, test })
}

/// Reads what stands behind a label.
fn test(key: &str, rest: &str) -> Result<Test, SelectorError> {
    if rest.is_empty() {
        return Ok(Test::Exists);
    }
    if let Some(text) = rest.strip_prefix("!=") {
        return Ok(Test::NotIn(BTreeSet::from([value(key, text)?])));
    }
    if let Some(text) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        return Ok(Test::Equals(value(key, text)?));
    }
    if let Some(list) = word(rest, "in") {
        return Ok(Test::In(values(key, list)?));
    }
    if let Some(list) = word(rest, "notin") {
        return Ok(Test::NotIn(values(key, list)?));
    }
    Err(SelectorError::Operator {
        key: key.to_owned(),
        rest: rest.to_owned(),
    })
}

/// What follows `word`, if it is not merely the beginning of a longer one.
fn word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    (!rest.starts_with(in_name)).then(|| rest.trim())
}

fn values(key: &str, list: &str) -> Result<BTreeSet<String>, SelectorError> {
    let inner = list
        .strip_prefix('(')
        .and_then(|list| list.strip_suffix(')'));
    let inner = inner.ok_or_else(|| SelectorError::Parentheses(key.to_owned()))?;
    inner.split(',').map(|text| value(key, text)).collect()
}

fn key(text: &str) -> Result<String, SelectorError> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if is_name(name) && prefix.is_none_or(is_dns_name) {
        Ok(text.to_owned())
    } else {
        Err(SelectorError::Key(text.to_owned()))
    }
}

fn value(key: &str, text: &str) -> Result<String, SelectorError> {
    let value = text.trim();
    if value.is_empty() || is_name(value) {
        Ok(value.to_owned())
    } else {
        Err(SelectorError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.chars().all(in_name)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        label
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}
