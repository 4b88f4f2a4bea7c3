//! Random values, and the same as a tree of `prost_types`.
#![allow(dead_code)] // Each test uses its part.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde::ser::{Serialize, Serializer};

/// What a Value can hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
}

impl Tree {
    pub(crate) fn prost(&self) -> Value {
        let kind = match self {
            Tree::Null => Kind::NullValue(0),
            Tree::Bool(b) => Kind::BoolValue(*b),
            Tree::Number(n) => Kind::NumberValue(*n),
            Tree::Text(text) => Kind::StringValue(text.clone()),
            Tree::List(items) => Kind::ListValue(ListValue {
                values: items.iter().map(Tree::prost).collect(),
            }),
            Tree::Map(fields) => Kind::StructValue(Struct {
                fields: fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.prost()))
                    .collect(),
            }),
        };
        Value { kind: Some(kind) }
    }

    /// Whole numbers are integers here, as they are in JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self {
            Tree::Null => serde_json::Value::Null,
            Tree::Bool(b) => (*b).into(),
            Tree::Number(n) if is_integer(*n) && *n >= 0.0 => (*n as u64).into(),
            Tree::Number(n) if is_integer(*n) => (*n as i64).into(),
            Tree::Number(n) => (*n).into(),
            Tree::Text(text) => text.as_str().into(),
            Tree::List(items) => items.iter().map(Tree::json).collect::<Vec<_>>().into(),
            Tree::Map(fields) => serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.json()))
                    .collect(),
            ),
        }
    }
}

fn is_integer(n: f64) -> bool {
    n.fract() == 0.0 && n.abs() <= (1_u64 << 53) as f64 && !(n == 0.0 && n.is_sign_negative())
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Bool(b) => serializer.serialize_bool(*b),
            Tree::Number(n) => serializer.serialize_f64(*n),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::List(items) => serializer.collect_seq(items),
            Tree::Map(fields) => serializer.collect_map(fields),
        }
    }
}

/// `key` makes the keys of maps.
pub(crate) fn tree(key: &'static str) -> impl Strategy<Value = Tree> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO).prop_map(Tree::Number),
        any::<i32>().prop_map(|n| Tree::Number(n.into())),
        "\\PC{0,12}".prop_map(Tree::Text),
        // Lengths that need one, two and three bytes.
        (0..20_000_usize).prop_map(|length| Tree::Text("x".repeat(length))),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Tree::List),
            prop::collection::btree_map(key, inner, 0..8).prop_map(Tree::Map),
        ]
    })
}
