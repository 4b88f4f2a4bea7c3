//! Selectors of leases, for people and as Kubernetes writes them.

use jumpstarter_proto::selector::{Requirement, Selector, Test};
use serde_json::{Map, Value, json};

/// A selector for a table: `a:b,!c`, or `*` if anything would do.
pub(super) fn asked_for(text: &str) -> String {
    let parsed = text.parse::<Selector>().unwrap_or_default();
    let parts = parsed.requirements().iter().map(|part| match &part.test {
        Test::Equals(value) => format!("{}:{value}", part.key),
        _ => Selector::new([part.clone()]).to_string(),
    });
    match parts.collect::<Vec<_>>().join(",").as_str() {
        "" => "*".to_owned(),
        parts => parts.to_owned(),
    }
}

/// A selector as Kubernetes writes it.
pub(super) fn selector(text: &str) -> Value {
    let parsed = text.parse::<Selector>().unwrap_or_default();
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for Requirement { key, test } in parsed.requirements() {
        let (operator, values) = match test {
            Test::Equals(value) => {
                labels.insert(key.clone(), json!(value));
                continue;
            }
            Test::In(values) => ("In", Some(values)),
            Test::NotIn(values) => ("NotIn", Some(values)),
            Test::Exists => ("Exists", None),
            Test::Absent => ("DoesNotExist", None),
        };
        let mut expression = json!({"key": key, "operator": operator});
        if let Some(values) = values {
            expression["values"] = json!(values);
        }
        expressions.push(expression);
    }
    let mut selector = json!({"matchLabels": labels});
    if !expressions.is_empty() {
        selector["matchExpressions"] = json!(expressions);
    }
    selector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_shown_whole() {
        assert_eq!(asked_for(""), "*");
        assert_eq!(asked_for("<none>"), "*");
        assert_eq!(asked_for("board=rpi,!broken"), "board:rpi,!broken");
        let expected = json!({
            "matchLabels": {"board": "rpi"},
            "matchExpressions": [
                {"key": "broken", "operator": "DoesNotExist"},
                {"key": "rack", "operator": "In", "values": ["a", "b"]},
            ],
        });
        assert_eq!(selector("board=rpi,rack in (b,a),!broken"), expected);
    }
}
