//! From JSON Schema, in which plugins describe their methods, to the types of a descriptor.
//!
//! Only the shape counts here. Ranges, patterns and the like are checked by the driver.

use std::cell::Cell;

use serde_json::Value;

use super::{DEPTH, Param, Type};

/// Schemas that are looked at before the rest is [`Type::Any`]: by referring to one another a few
/// lines of them can describe a type that fills any memory.
const SCHEMAS: usize = 10_000;

impl Type {
    /// The type a JSON Schema describes; what has no counterpart is [`Type::Any`].
    ///
    /// `null` beside something else is dropped: whether a parameter may be left out is told by its
    /// `optional` flag.
    pub fn from_schema(schema: &Value) -> Type {
        Reader {
            root: schema,
            left: Cell::new(SCHEMAS),
        }
        .read(schema, 0)
        .0
    }
}

struct Reader<'a> {
    /// Where references point into.
    root: &'a Value,
    left: Cell<usize>,
}

impl<'a> Reader<'a> {
    /// The type, and whether it may be null instead.
    fn read(&self, schema: &'a Value, depth: usize) -> (Type, bool) {
        let left = self.left.get();
        if depth > DEPTH || left == 0 {
            return (Type::Any, false);
        }
        self.left.set(left - 1);
        let of = |key| schema.get(key);
        if let Some(target) = of("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return target.map_or((Type::Any, false), |target| self.read(target, depth + 1));
        }
        if let Some(values) = of("enum").and_then(Value::as_array) {
            return choice(values.iter());
        }
        if let Some(value) = of("const") {
            return choice(std::iter::once(value));
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(schemas) = of(key).and_then(Value::as_array) {
                return self.union(schemas, depth);
            }
        }
        match of("type") {
            Some(Value::String(name)) => (self.named(name, schema, depth), name == "null"),
            Some(Value::Array(names)) => {
                let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
                let mut rest: Vec<_> = names.iter().copied().filter(|n| *n != "null").collect();
                if rest.contains(&"number") {
                    rest.retain(|name| *name != "integer");
                }
                let nullable = names.contains(&"null");
                match rest[..] {
                    [] => (Type::Null, true),
                    [only] => (self.named(only, schema, depth), nullable),
                    _ => (Type::Any, nullable),
                }
            }
            _ if of("properties").is_some() => (self.named("object", schema, depth), false),
            _ => (Type::Any, false),
        }
    }

    fn named(&self, name: &str, schema: &'a Value, depth: usize) -> Type {
        match name {
            "null" => Type::Null,
            "boolean" => Type::Bool,
            "integer" => Type::Int,
            "number" => Type::Number,
            "string" => Type::String,
            "array" => {
                let items = schema.get("items").filter(|items| items.is_object());
                let item = items.map_or(Type::Any, |items| self.read(items, depth + 1).0);
                Type::List(Box::new(item))
            }
            "object" => match schema.get("properties").and_then(Value::as_object) {
                Some(fields) if !fields.is_empty() => {
                    let required = schema.get("required").and_then(Value::as_array);
                    let field = |(name, schema): (&String, &'a Value)| {
                        let (ty, nullable) = self.read(schema, depth + 1);
                        let required = required.is_some_and(|r| r.iter().any(|r| r == name));
                        let doc = schema.get("description").and_then(Value::as_str);
                        Param {
                            name: name.clone(),
                            ty,
                            optional: nullable || !required,
                            doc: doc.unwrap_or_default().to_owned(),
                        }
                    };
                    Type::Struct(fields.iter().map(field).collect())
                }
                // A map: its keys are not known.
                _ => Type::Any,
            },
            _ => Type::Any,
        }
    }

    fn union(&self, schemas: &'a [Value], depth: usize) -> (Type, bool) {
        let mut nullable = false;
        let mut types = Vec::new();
        for schema in schemas {
            let (ty, null) = self.read(schema, depth + 1);
            nullable |= null;
            if ty != Type::Null && !types.contains(&ty) {
                types.push(ty);
            }
        }
        let texts: Option<Vec<&[String]>> = types
            .iter()
            .map(|ty| {
                if let Type::Enum(values) = ty {
                    Some(&values[..])
                } else {
                    None
                }
            })
            .collect();
        match (&types[..], texts) {
            ([], _) => (Type::Null, nullable),
            ([only], _) => (only.clone(), nullable),
            (_, Some(texts)) => (Type::Enum(texts.concat()), nullable),
            _ => (Type::Any, nullable),
        }
    }
}

/// A type with a fixed set of values.
fn choice<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> (Type, bool) {
    let nullable = values.clone().any(Value::is_null);
    let rest = values.filter(|value| !value.is_null());
    let texts: Option<Vec<_>> = rest.map(|v| v.as_str().map(str::to_owned)).collect();
    match texts {
        Some(texts) if texts.is_empty() => (Type::Null, nullable),
        Some(texts) => (Type::Enum(texts), nullable),
        None => (Type::Any, nullable),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(item: Type) -> Type {
        Type::List(Box::new(item))
    }

    fn choices(values: &[&str]) -> Type {
        Type::Enum(values.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn plain_types() {
        for (schema, expected) in [
            (json!({"type": "null"}), Type::Null),
            (json!({"type": "boolean"}), Type::Bool),
            (json!({"type": "integer", "minimum": 0}), Type::Int),
            (json!({"type": "number"}), Type::Number),
            (json!({"type": "string", "format": "uuid"}), Type::String),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                list(Type::String),
            ),
            (json!({"type": "array"}), list(Type::Any)),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                Type::Any,
            ),
            (json!({"type": "of a later day"}), Type::Any),
            (json!({}), Type::Any),
            (json!(true), Type::Any),
            (json!({"type": ["integer", "number"]}), Type::Number),
            (json!({"type": ["string", "null"]}), Type::String),
            (json!({"type": ["string", "integer"]}), Type::Any),
        ] {
            assert_eq!(Type::from_schema(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn choices_and_unions() {
        for (schema, expected) in [
            (
                json!({"type": "string", "enum": ["on", "off"]}),
                choices(&["on", "off"]),
            ),
            (json!({"enum": ["on", null]}), choices(&["on"])),
            (json!({"enum": [1, 2]}), Type::Any),
            (json!({"const": "on"}), choices(&["on"])),
            (
                json!({"oneOf": [{"const": "on"}, {"enum": ["off"]}, {"type": "null"}]}),
                choices(&["on", "off"]),
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
                Type::Int,
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
                Type::Any,
            ),
        ] {
            assert_eq!(Type::from_schema(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn structs_and_references() {
        let schema = json!({
            "type": "object",
            "properties": {
                "volts": {"type": "number", "description": "DC"},
                "next": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"type": "null"}]},
            },
            "required": ["volts", "next"],
            "$defs": {"Mode": {"enum": ["ac", "dc"]}},
        });
        let Type::Struct(mut fields) = Type::from_schema(&schema) else {
            panic!("no struct");
        };
        fields.sort_by(|a, b| b.name.cmp(&a.name));
        let field = |name: &str, ty, optional, doc: &str| Param {
            name: name.into(),
            ty,
            optional,
            doc: doc.into(),
        };
        assert_eq!(
            fields,
            [
                field("volts", Type::Number, false, "DC"),
                field("next", choices(&["ac", "dc"]), true, ""),
            ]
        );
    }

    #[test]
    fn a_type_inside_itself_ends() {
        let schema = json!({"$ref": "#/$defs/T", "$defs": {"T": {"$ref": "#/$defs/T"}}});
        assert_eq!(Type::from_schema(&schema), Type::Any);

        let schema = json!({"type": "array", "items": {"$ref": "#"}});
        assert!(matches!(Type::from_schema(&schema), Type::List(_)));

        let both = json!({"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}});
        let schema = json!({"type": "object", "properties": both});
        assert!(matches!(Type::from_schema(&schema), Type::Struct(_)));
    }
}
