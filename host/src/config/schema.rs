//! The settings of a driver against the JSON Schema in its plugin's metadata.
//!
//! Enough of JSON Schema for what plugins say about a `config` block: `type`, `properties`,
//! `required`, `additionalProperties`, `items`, `enum`, `const`, `minimum`, `maximum`, `anyOf`,
//! `oneOf`, `allOf` and `$ref` within the schema. Anything else in a schema is satisfied by
//! everything: the driver has the last word when it is opened.

use serde_json::Value as Json;

use super::{
    Mistake, Node, Place, Value,
    read::{Reader, Trail, did_you_mean},
};

/// `$ref`s that lead to each other must end somewhere.
const MAX_DEPTH: usize = 64;

/// What is to be said about the settings of a driver.
#[derive(Debug, Default)]
pub struct Findings {
    /// What does not fit.
    pub mistakes: Vec<Mistake>,
    /// What the driver will ignore.
    pub warnings: Vec<Mistake>,
}

/// Compares `node` with `schema`.
///
/// `path` and `at` say where the node is for messages; `skip` are keys of the top level that are
/// not the driver's.
pub fn check(schema: &Json, node: &Node, path: &str, at: Place, skip: &[&str]) -> Findings {
    let mut reader = Reader::default();
    let trail = Trail::path(path, at);
    let check = Check { root: schema, skip };
    check.walk(&mut reader, schema, node, &trail, 0);
    let Reader { mistakes, warnings } = reader;
    Findings { mistakes, warnings }
}

struct Check<'a> {
    root: &'a Json,
    skip: &'a [&'a str],
}

// === impl Check ===

impl Check<'_> {
    fn walk(
        &self,
        reader: &mut Reader,
        schema: &Json,
        node: &Node,
        trail: &Trail<'_>,
        depth: usize,
    ) {
        let Some(fields) = schema.as_object() else {
            if schema == &Json::Bool(false) {
                reader.mistake(trail.place, trail, "nothing is allowed here");
            }
            return;
        };
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(target) = fields
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|r| self.find(r))
        {
            self.walk(reader, target, node, trail, depth + 1);
        }
        if let Some(wanted) = fields.get("type")
            && !types(wanted).any(|name| has_type(node, name))
        {
            reader.wrong(trail, node, &describe(schema));
            return;
        }
        for all in fields
            .get("allOf")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            self.walk(reader, all, node, trail, depth + 1);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(choices) = fields.get(choice).and_then(Json::as_array) {
                self.any_of(reader, choices, node, trail, depth + 1);
            }
        }
        self.value(reader, fields, node, trail);
        match &node.value {
            Value::Map(_) => self.object(reader, fields, node, trail, depth + 1),
            Value::List(items) => {
                if let Some(schema) = fields.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.walk(
                            reader,
                            schema,
                            item,
                            &trail.item(index, item.place),
                            depth + 1,
                        );
                    }
                }
            }
            _ => {}
        }
    }

    fn object(
        &self,
        reader: &mut Reader,
        schema: &serde_json::Map<String, Json>,
        node: &Node,
        trail: &Trail<'_>,
        depth: usize,
    ) {
        let skip = |key: &str| depth == 1 && self.skip.contains(&key);
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        for member in reader
            .members(trail, node)
            .iter()
            .filter(|member| !skip(&member.key))
        {
            let trail = &trail.key(&member.key, member.place);
            match properties.and_then(|properties| properties.get(&member.key)) {
                Some(schema) => self.walk(reader, schema, &member.value, trail, depth),
                None if others == Some(&Json::Bool(false)) => {
                    let known = properties
                        .into_iter()
                        .flatten()
                        .map(|(key, _)| key.as_str());
                    reader.mistake(member.place, trail, unknown(&member.key, known.collect()));
                }
                None => match (others, properties) {
                    (Some(schema), _) => self.walk(reader, schema, &member.value, trail, depth),
                    (None, Some(properties)) => {
                        let known = properties.keys().map(String::as_str);
                        let message = unknown(&member.key, known.collect());
                        reader.warn(member.place, trail, format!("ignored: {message}"));
                    }
                    (None, None) => {}
                },
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if node.get(key).is_none() && !skip(key) {
                reader.mistake(trail.place, trail, format!("`{key}` is missing"));
            }
        }
    }

    /// One of several forms. If none fits, the one that is meant is told apart by its type.
    fn any_of(
        &self,
        reader: &mut Reader,
        choices: &[Json],
        node: &Node,
        trail: &Trail<'_>,
        depth: usize,
    ) {
        let mut closest: Option<Reader> = None;
        for choice in choices {
            let mut attempt = Reader::default();
            self.walk(&mut attempt, choice, node, trail, depth);
            if attempt.mistakes.is_empty() {
                reader.warnings.extend(attempt.warnings);
                return;
            }
            let inside = attempt
                .mistakes
                .iter()
                .all(|mistake| mistake.path != trail.to_string());
            if inside {
                closest.get_or_insert(attempt);
            }
        }
        match closest {
            Some(attempt) => reader.mistakes.extend(attempt.mistakes),
            None => {
                let forms: Vec<String> = choices.iter().map(|choice| self.form(choice)).collect();
                reader.wrong(trail, node, &forms.join(" or "));
            }
        }
    }

    fn form(&self, schema: &Json) -> String {
        let target = schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|r| self.find(r));
        describe(target.unwrap_or(schema))
    }

    /// `enum`, `const` and bounds.
    fn value(
        &self,
        reader: &mut Reader,
        schema: &serde_json::Map<String, Json>,
        node: &Node,
        trail: &Trail<'_>,
    ) {
        let constant = schema.get("const").map(std::slice::from_ref);
        let choices = schema
            .get("enum")
            .and_then(Json::as_array)
            .map(Vec::as_slice)
            .or(constant);
        if let Some(choices) = choices
            && !choices.contains(&node.to_json())
        {
            let all: Vec<String> = choices
                .iter()
                .map(|choice| format!("`{}`", plain(choice)))
                .collect();
            let meant = match &node.value {
                Value::Text(text) => did_you_mean(text, choices.iter().filter_map(Json::as_str)),
                _ => String::new(),
            };
            let found = trail.describe(node);
            let message = format!("{found} is not one of {}{meant}", all.join(", "));
            reader.mistake(node.place, trail, message);
        }
        let number = match node.value {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
            _ => return,
        };
        let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
        if let Some(least) = bound("minimum").filter(|least| number < *least) {
            reader.mistake(node.place, trail, format!("must be at least {least}"));
        }
        if let Some(most) = bound("maximum").filter(|most| number > *most) {
            reader.mistake(node.place, trail, format!("must be at most {most}"));
        }
    }

    fn find(&self, reference: &str) -> Option<&Json> {
        self.root.pointer(reference.strip_prefix('#')?)
    }
}

fn types(wanted: &Json) -> impl Iterator<Item = &str> {
    let list = match wanted {
        Json::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().filter_map(Json::as_str)
}

fn has_type(node: &Node, name: &str) -> bool {
    match (&node.value, name) {
        (Value::Null, "null")
        | (Value::Bool(_), "boolean")
        | (Value::Int(_), "integer" | "number")
        | (Value::Float(_), "number")
        | (Value::Text(_), "string")
        | (Value::List(_), "array")
        | (Value::Map(_), "object") => true,
        (_, known) => {
            // A type that no JSON Schema has cannot be checked.
            !matches!(
                known,
                "null" | "boolean" | "integer" | "number" | "string" | "array" | "object"
            )
        }
    }
}

/// What a schema asks for, in words.
fn describe(schema: &Json) -> String {
    let word = |name: &str| match name {
        "null" => "null".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "an integer".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a mapping".to_owned(),
        other => other.to_owned(),
    };
    match (schema.get("type"), schema.get("const"), schema.get("enum")) {
        (Some(wanted), ..) => types(wanted).map(word).collect::<Vec<_>>().join(" or "),
        (_, Some(constant), _) => format!("`{}`", plain(constant)),
        (_, _, Some(Json::Array(choices))) => {
            let all: Vec<String> = choices.iter().map(|c| format!("`{}`", plain(c))).collect();
            format!("one of {}", all.join(", "))
        }
        _ => "something else".to_owned(),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unknown(key: &str, known: Vec<&str>) -> String {
    let meant = did_you_mean(key, known.iter().copied());
    if !meant.is_empty() {
        return format!("unknown key{meant}");
    }
    if known.is_empty() {
        return "unknown key; this driver has no settings".to_owned();
    }
    let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    format!("unknown key; known are {}", known.join(", "))
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
