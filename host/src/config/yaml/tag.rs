//! Explicit tags: `!!str 5` is the text "5".

use granit_parser::{ScalarStyle, Tag};

use super::{Node, Style, Value, scalar::Plain, scalar::resolve};
use crate::config::{Mistake, Place};

const YAML: &str = "tag:yaml.org,2002:";

/// A scalar, by its tag if it has one, else by how it is written.
pub(super) fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    place: Place,
) -> Result<Node, Mistake> {
    let value = match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => Value::Text(text.to_owned()),
        Some(tag) => tagged(text, tag).ok_or_else(|| refuse(tag, text, place))?,
    };
    let style = match style {
        ScalarStyle::Plain if tag.is_none() => Style::Plain,
        _ => Style::Explicit,
    };
    Ok(Node {
        value,
        place,
        style,
    })
}

/// Refuses every tag on a list or mapping but `!!seq` or `!!map`.
pub(super) fn expect(tag: Option<&Tag>, name: &str, place: Place) -> Result<(), Mistake> {
    match tag {
        Some(tag) if !is(tag, name) && tag.original() != "!" => Err(refuse(tag, "", place)),
        _ => Ok(()),
    }
}

fn plain(text: &str) -> Value {
    match resolve(text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) => Value::Bool(value),
        Plain::Int(value) => Value::Int(value),
        Plain::Float(value) => Value::Float(value),
        Plain::Text => Value::Text(text.to_owned()),
    }
}

fn tagged(text: &str, tag: &Tag) -> Option<Value> {
    if tag.original() == "!" || is(tag, "str") || is(tag, "timestamp") {
        return Some(Value::Text(text.to_owned()));
    }
    if is(tag, "null") {
        return Some(Value::Null);
    }
    let value = if is(tag, "bool") {
        resolve(&text.to_lowercase())
    } else {
        resolve(text)
    };
    match value {
        Plain::Int(value) if is(tag, "int") => Some(Value::Int(value)),
        Plain::Int(value) if is(tag, "float") => Some(Value::Float(value as f64)),
        Plain::Float(value) if is(tag, "float") => Some(Value::Float(value)),
        Plain::Bool(value) if is(tag, "bool") => Some(Value::Bool(value)),
        Plain::Text if is(tag, "float") => text.parse().ok().map(Value::Float),
        _ => None,
    }
}

fn is(tag: &Tag, name: &str) -> bool {
    tag.suffix_in_namespace(YAML)
        .is_some_and(|suffix| suffix == name)
}

fn refuse(tag: &Tag, text: &str, place: Place) -> Mistake {
    let written = tag.original();
    let message = if tag.suffix_in_namespace(YAML).is_some() && !text.is_empty() {
        format!("`{written}` cannot be made of {text:?}")
    } else {
        format!("the tag `{written}` has no meaning here, remove it")
    };
    Mistake::new(place, "", message)
}
