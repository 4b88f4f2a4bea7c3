//! Every schema here is parsed and compared as JSON.

#![allow(clippy::unwrap_used, dead_code)]

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Schema;

fn schema<T: Schema>() -> Value {
    serde_json::from_str(&T::SCHEMA.to_string()).unwrap()
}

#[test]
fn generic_types_nest() {
    assert_eq!(
        schema::<HashMap<String, Vec<(bool, Option<f64>)>>>(),
        json!({"type": "object", "additionalProperties": {"type": "array", "items": {
            "type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [
                {"type": "boolean"},
                {"anyOf": [{"type": "number"}, {"type": "null"}]},
            ],
        }}})
    );
}

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Supply {
    /// Where it "is".
    ///
    /// Two paragraphs.
    port_name: String,
    #[serde(default)]
    #[schema(default = 115200)]
    baudrate: u32,
    #[serde(rename = "type", alias = "kind")]
    model: Option<Model>,
    #[serde(skip)]
    cache: std::time::Duration,
    #[serde(deserialize_with = "anything")]
    odd: std::time::Duration,
}

fn anything<'de, D: serde::Deserializer<'de>>(_: D) -> Result<std::time::Duration, D::Error> {
    Ok(std::time::Duration::ZERO)
}

#[derive(Deserialize, Serialize, Schema)]
#[serde(rename_all = "kebab-case")]
enum Model {
    TwoChannel,
    #[serde(rename = "4ch")]
    FourChannel,
}

#[test]
fn a_struct_follows_its_serde_attributes() {
    let model = json!({"anyOf": [
        {"type": "string", "enum": ["two-channel", "4ch"]}, {"type": "null"},
    ]});
    assert_eq!(
        schema::<Supply>(),
        json!({
            "type": "object",
            "properties": {
                "portName": {"type": "string", "description": "Where it \"is\".\n\nTwo paragraphs."},
                "baudrate": {
                    "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32,
                    "default": 115_200,
                },
                "type": model,
                "kind": model,
                "odd": {},
            },
            "required": ["portName", "odd"],
            "additionalProperties": false,
        })
    );
}

#[derive(Deserialize, Schema)]
struct Volts(f64);

#[derive(Deserialize, Schema)]
#[serde(default)]
struct Lenient<T> {
    limit: Volts,
    more: Vec<T>,
}

#[test]
fn newtypes_and_generic_structs() {
    assert_eq!(schema::<Volts>(), json!({"type": "number"}));
    assert_eq!(
        schema::<Lenient<bool>>(),
        json!({
            "type": "object",
            "properties": {
                "limit": {"type": "number"},
                "more": {"type": "array", "items": {"type": "boolean"}},
            },
        })
    );
}
