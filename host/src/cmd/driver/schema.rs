//! JSON Schemas, for people: `{voltage: number, current: number}`.

use serde_json::{Map, Value};

/// References in a schema may go in circles.
const DEPTH: usize = 8;

/// The type that a schema describes, in a few words.
pub(super) fn words(schema: &Value) -> String {
    describe(schema, schema, DEPTH)
}

/// The properties of an object schema: name, what the schema says, whether it must be there.
pub(super) fn properties(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required = |name: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|entry| entry == name))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| (name.as_str(), property, required(name)))
        .collect()
}

/// A value that fits a schema, as far as one can be made up.
pub(super) fn example(schema: &Value) -> Value {
    make_up(schema, schema, DEPTH)
}

fn describe(schema: &Value, root: &Value, depth: usize) -> String {
    let any = || "any".to_owned();
    let Some(object) = schema.as_object().filter(|_| depth > 0) else {
        return any();
    };
    let inner = |schema: &Value| describe(schema, root, depth - 1);
    if let Some(target) = object.get("$ref").and_then(|name| resolve(name, root)) {
        return inner(target);
    }
    if let Some(values) = object.get("enum").and_then(Value::as_array) {
        return join(values.iter().map(Value::to_string));
    }
    if let Some(value) = object.get("const") {
        return value.to_string();
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(list) = object.get(alternatives).and_then(Value::as_array) {
            return join(list.iter().map(inner));
        }
    }
    match object.get("type") {
        Some(Value::String(name)) => kind(name, object, inner),
        Some(Value::Array(names)) => join(
            names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| kind(name, object, inner)),
        ),
        _ => any(),
    }
}

fn kind(name: &str, schema: &Map<String, Value>, inner: impl Fn(&Value) -> String) -> String {
    match name {
        "array" => {
            if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
                return format!(
                    "[{}]",
                    items.iter().map(inner).collect::<Vec<_>>().join(", ")
                );
            }
            let items = schema.get("items").map(inner);
            format!("list of {}", items.unwrap_or_else(|| "any".to_owned()))
        }
        "object" => {
            let schema = Value::Object(schema.clone());
            let fields: Vec<_> = properties(&schema)
                .into_iter()
                .map(|(name, property, required)| {
                    format!(
                        "{name}{}: {}",
                        if required { "" } else { "?" },
                        inner(property)
                    )
                })
                .collect();
            match (fields.is_empty(), schema.get("additionalProperties")) {
                (true, Some(values)) if values.is_object() => format!("map of {}", inner(values)),
                (true, _) => "map".to_owned(),
                (false, _) => format!("{{{}}}", fields.join(", ")),
            }
        }
        name => name.to_owned(),
    }
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" | ")
}

fn resolve<'a>(reference: &Value, root: &'a Value) -> Option<&'a Value> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

fn make_up(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(|name| resolve(name, root)) {
        return make_up(target, root, depth - 1);
    }
    let first = |key: &str| schema.get(key).and_then(|list| list.get(0));
    let given = schema.get("default").or_else(|| first("examples"));
    if let Some(value) = given
        .or_else(|| schema.get("const"))
        .or_else(|| first("enum"))
    {
        return value.clone();
    }
    if let Some(alternative) = first("anyOf").or_else(|| first("oneOf")) {
        return make_up(alternative, root, depth - 1);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => properties(schema)
            .into_iter()
            .filter(|(_, property, required)| *required || has_example(property))
            .map(|(name, property, _)| (name.to_owned(), make_up(property, root, depth - 1)))
            .collect(),
        Some("array") => Value::Array(Vec::new()),
        Some("string") => Value::from("..."),
        Some("integer") => schema
            .get("minimum")
            .cloned()
            .unwrap_or_else(|| Value::from(0)),
        Some("number") => schema
            .get("minimum")
            .cloned()
            .unwrap_or_else(|| Value::from(0.0)),
        Some("boolean") => Value::from(false),
        _ => Value::Null,
    }
}

fn has_example(schema: &Value) -> bool {
    schema.get("default").is_some() || schema.get("examples").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_read_like_types() {
        for (schema, expected) in [
            (json!({}), "any"),
            (json!(true), "any"),
            (json!({"type": "integer", "minimum": 0}), "integer"),
            (json!({"type": ["string", "null"]}), "string | null"),
            (
                json!({"type": "array", "items": {"type": "number"}}),
                "list of number",
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                "\"a\" | \"b\"",
            ),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
                "string | null",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                "map of string",
            ),
            (
                json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}, "b": {}},
                    "required": ["a"], "$defs": {"x": {"type": "boolean"}}}),
                "{a: boolean, b?: any}",
            ),
        ] {
            assert_eq!(words(&schema), expected);
        }
    }

    #[test]
    fn a_schema_that_goes_in_circles_has_an_end() {
        let schema = json!({"type": "array", "items": {"$ref": "#"}});
        assert!(words(&schema).starts_with("list of list of"));
        assert_eq!(example(&json!({"$ref": "#"})), Value::Null);
    }

    #[test]
    fn an_example_has_what_is_required_and_what_has_a_default() {
        let schema = json!({"type": "object", "required": ["port"], "properties": {
            "port": {"type": "string", "examples": ["/dev/ttyUSB0"]},
            "baudrate": {"type": "integer", "default": 115_200},
            "parity": {"type": "string"},
        }});
        assert_eq!(
            example(&schema),
            json!({"port": "/dev/ttyUSB0", "baudrate": 115_200})
        );
    }
}
