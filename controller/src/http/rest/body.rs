//! Reads a lease from the JSON body of a request.

use jumpstarter_proto::client_v1::Lease;
use serde_json::{Map, Value};

/// Returns the lease, and the names of the fields that are in the body.
pub(super) fn lease(value: Value) -> Result<(Lease, Vec<String>), String> {
    let Value::Object(object) = value else {
        return Err("the body should be a JSON object, the lease".to_owned());
    };
    let mut lease = Lease::default();
    let mut fields = Vec::new();
    for (key, value) in object {
        let field = snake(&key);
        if value.is_null() {
            continue;
        }
        match field.as_str() {
            "name" => lease.name = text(&key, value)?,
            "selector" => lease.selector = text(&key, value)?,
            "duration" => lease.duration = Some(duration(&key, value)?),
            "begin_time" => lease.begin_time = Some(time(&key, value)?),
            "end_time" => lease.end_time = Some(time(&key, value)?),
            "client" => lease.client = Some(text(&key, value)?),
            "exporter_name" => lease.exporter_name = Some(text(&key, value)?),
            "tags" => lease.tags = table(&key, value)?.into_iter().collect(),
            "context" => lease.context = table(&key, value)?.into_iter().collect(),
            "allow_disabled" => {
                let flag = value.as_bool();
                lease.allow_disabled = flag.ok_or_else(|| wrong(&key, "true or false"))?;
            }
            // Only the controller sets these; they are ignored, so that a lease can be sent back as it
            // came.
            "effective_duration"
            | "effective_begin_time"
            | "effective_end_time"
            | "exporter"
            | "conditions"
            | "deprecated_labels" => continue,
            _ => return Err(format!("unknown field `{key}`")),
        }
        if field != "name" {
            fields.push(field);
        }
    }
    Ok((lease, fields))
}

/// The name of a field in `.proto` files: `beginTime` is `begin_time`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.trim().chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn wrong(key: &str, what: &str) -> String {
    format!("`{key}` should be {what}")
}

fn text(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(key, "a text")),
    }
}

fn table(key: &str, value: Value) -> Result<Vec<(String, String)>, String> {
    let Value::Object(table) = value else {
        return Err(wrong(key, "an object of texts"));
    };
    let pairs = |table: Map<String, Value>| {
        table.into_iter().map(|(name, value)| {
            let value = text(key, value)?;
            Ok((name, value))
        })
    };
    pairs(table).collect()
}

fn time(key: &str, value: Value) -> Result<prost_types::Timestamp, String> {
    let parsed = text(key, value)?.parse();
    parsed.map_err(|_| wrong(key, "a time as `2026-11-22T08:00:00Z`"))
}

fn duration(key: &str, value: Value) -> Result<prost_types::Duration, String> {
    let parsed = text(key, value)?.parse();
    parsed.map_err(|_| wrong(key, "a duration in seconds as `3600s`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_is_read_in_both_spellings() {
        let (one, fields) = lease(json!({
            "selector": "a=b", "duration": "90.5s", "beginTime": "2026-11-22T08:00:00Z",
            "tags": {"x": "y"}, "effectiveDuration": "1s", "client": null,
        }))
        .unwrap();
        assert_eq!(one.duration.unwrap().nanos, 500_000_000);
        assert_eq!(one.tags["x"], "y");
        assert_eq!(fields.len(), 4);
        let (other, _) = lease(json!({
            "selector": "a=b", "duration": "90.5s", "begin_time": "2026-11-22T08:00:00Z",
            "tags": {"x": "y"},
        }))
        .unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn mistakes_are_named() {
        for (body, words) in [
            (json!([]), "JSON object"),
            (json!({"selektor": "a"}), "unknown field `selektor`"),
            (json!({"duration": 5}), "`duration` should be a text"),
            (json!({"duration": "1h"}), "as `3600s`"),
            (json!({"endTime": "tomorrow"}), "`endTime` should be a time"),
            (json!({"tags": {"a": 1}}), "`tags` should be a text"),
            (json!({"allowDisabled": "yes"}), "true or false"),
        ] {
            let told = lease(body).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
