//! The tree that a YAML document becomes: every value knows where it was written.

use std::fmt;

use crate::config::Place;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it was written. For a value brought by an alias, where the original is.
    pub place: Place,
    /// How a scalar was written.
    pub style: Style,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A number with a fraction, an infinity or "not a number".
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping: each key once, in the order of first appearance.
    Map(Vec<Member>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key; text is meant even where YAML reads the plain key as something else.
    pub key: String,
    /// Where the key was written.
    pub place: Place,
    /// Whether PyYAML reads this key as something else than text (`on`, `5`, `null`).
    pub odd: bool,
    /// The value.
    pub value: Node,
}

/// How a scalar was written; lists and mappings are `Plain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In quotes, or as a block after `|` or `>`, or tagged.
    Explicit,
}

// === impl Node ===

impl Node {
    /// A value that was not read from a file.
    pub(crate) fn bare(value: Value) -> Self {
        Self {
            value,
            place: Place::default(),
            style: Style::Explicit,
        }
    }

    /// A mapping that was not read from a file.
    pub(crate) fn map(members: impl IntoIterator<Item = (String, Node)>) -> Self {
        let member = |(key, value)| Member {
            key,
            place: Place::default(),
            odd: false,
            value,
        };
        Self::bare(Value::Map(members.into_iter().map(member).collect()))
    }

    /// Whether this is a mapping.
    pub fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The member `key`, if this is a mapping that has it.
    pub fn member(&self, key: &str) -> Option<&Member> {
        match &self.value {
            Value::Map(members) => members.iter().find(|member| member.key == key),
            _ => None,
        }
    }

    /// The same value as JSON, for plugins. What JSON cannot say (`.nan`, `.inf`) becomes text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Number, Value as Json};
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Number::from_i128(*value)
                .or_else(|| Number::from_f64(*value as f64))
                .map_or(Json::Null, Json::Number),
            Value::Float(value) => match Number::from_f64(*value) {
                Some(number) => Json::Number(number),
                None => Json::String(value.to_string()),
            },
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.value.to_json()))
                .collect(),
        }
    }
}

/// What the node is, for messages: "the integer 5", "a list".
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("nothing (null)"),
            Value::Bool(value) => write!(f, "the boolean {value}"),
            Value::Int(value) => write!(f, "the integer {value}"),
            Value::Float(value) => write!(f, "the number {value}"),
            Value::Text(text) if text.chars().count() > 40 => f.write_str("a text"),
            Value::Text(text) => write!(f, "the text {text:?}"),
            Value::List(_) => f.write_str("a list"),
            Value::Map(_) => f.write_str("a mapping"),
        }
    }
}
