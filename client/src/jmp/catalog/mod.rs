//! Exporters and leases as commands show them.

mod clock;
mod exporters;
mod leases;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

pub(super) use exporters::{Columns, Exporters};
pub(super) use leases::{Leases, OneLease, Shown};

/// `a=1,b=2`, sorted.
fn pairs(labels: &HashMap<String, String>) -> String {
    let sorted: BTreeMap<_, _> = labels.iter().collect();
    let pairs: Vec<String> = sorted
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

/// The same as JSON.
fn object(labels: &HashMap<String, String>) -> Value {
    let sorted: BTreeMap<_, _> = labels.iter().collect();
    let entries = sorted
        .into_iter()
        .map(|(key, value)| (key.clone(), json!(value)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// What to tell somebody who uses these labels: the subject of each warning, and its message.
pub(super) fn deprecations(
    labels: &HashMap<String, String>,
) -> impl Iterator<Item = (&str, String)> {
    let sorted: BTreeMap<_, _> = labels.iter().collect();
    sorted.into_iter().map(|(label, message)| {
        let message = match message.as_str() {
            "" => "is deprecated".to_owned(),
            text => format!("is deprecated: {text}"),
        };
        (label.as_str(), message)
    })
}
