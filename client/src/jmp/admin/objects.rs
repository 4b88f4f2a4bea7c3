//! Objects of the lab as Kubernetes has them, and as tables have them.

use jiff::Timestamp;
use jumpstarter_proto::selector::{Requirement, Selector, Test};
use serde_json::{Map, Value, json};

use super::age::{age, length, whole_seconds};
use super::views::{Client, Condition, Exporter, Labels, Lease, Meta};
use crate::config::API_VERSION;
use crate::ui::{self, Failure, Format, Resource, Table};

/// A kind of objects.
pub(super) trait Object: Sized {
    /// As in `kind: Client`.
    const KIND: &'static str;

    /// As in `client.jumpstarter.dev/me`.
    fn resource_name(&self) -> String;
    fn json(&self) -> Value;
    fn table() -> Table;
    fn row(&self, table: &mut Table, now: Timestamp);
}

/// One object, or all of a namespace.
struct Shown<'a, T> {
    objects: &'a [T],
    alone: bool,
}

/// Shows an object.
pub(super) fn show_one<T: Object>(object: T, format: Option<Format>) -> Result<(), Failure> {
    let objects = &[object];
    ui::show(
        &Shown {
            objects,
            alone: true,
        },
        format,
    )
}

/// Shows all objects of a namespace.
pub(super) fn show_all<T: Object>(
    objects: &[T],
    namespace: &str,
    format: Option<Format>,
) -> Result<(), Failure> {
    if objects.is_empty() && format.is_none() {
        return ui::print(&format!("No resources found in {namespace} namespace."));
    }
    ui::show(
        &Shown {
            objects,
            alone: false,
        },
        format,
    )
}

// === impl Shown ===

impl<T: Object> Resource for Shown<'_, T> {
    fn json(&self) -> Value {
        let mut all: Vec<Value> = self.objects.iter().map(Object::json).collect();
        match all.pop() {
            Some(object) if self.alone => object,
            last => {
                all.extend(last);
                json!({
                    "apiVersion": API_VERSION,
                    "items": all,
                    "kind": format!("{}List", T::KIND),
                })
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.objects.iter().map(Object::resource_name).collect()
    }

    fn table(&self) -> Table {
        let mut table = T::table().keep_whole("NAME");
        let now = Timestamp::now();
        for object in self.objects {
            object.row(&mut table, now);
        }
        table
    }
}

// === impl Meta ===

impl Meta {
    fn metadata(&self) -> Value {
        let mut metadata = metadata(
            (&self.namespace, &self.name),
            &self.uid,
            &self.created,
            self.generation,
        );
        if !self.labels.is_empty() {
            metadata.insert("labels".to_owned(), json!(self.labels));
        }
        Value::Object(metadata)
    }

    fn spec(&self) -> Map<String, Value> {
        let username = self.username.iter();
        username
            .map(|username| ("username".to_owned(), json!(username)))
            .collect()
    }
}

fn metadata(
    (namespace, name): (&str, &str),
    uid: &str,
    created: &str,
    generation: i64,
) -> Map<String, Value> {
    let entries = [
        ("creationTimestamp", json!(whole_seconds(created))),
        ("generation", json!(generation)),
        ("name", json!(name)),
        ("namespace", json!(namespace)),
        // Objects here have no other version.
        ("resourceVersion", json!(generation.to_string())),
        ("uid", json!(uid)),
    ];
    let entries = entries.map(|(key, value)| (key.to_owned(), value));
    entries.into_iter().collect()
}

// === impl Object ===

impl Object for Client {
    const KIND: &'static str = "Client";

    fn resource_name(&self) -> String {
        format!("client.jumpstarter.dev/{}", self.meta.name)
    }

    fn json(&self) -> Value {
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": self.meta.metadata(),
            "spec": self.meta.spec(),
            "status": {
                "credential": {"name": format!("{}-client", self.meta.name)},
                "endpoint": self.meta.endpoint,
            },
        })
    }

    fn table() -> Table {
        Table::new(["NAME", "ENDPOINT"])
    }

    fn row(&self, table: &mut Table, _now: Timestamp) {
        table.row(vec![self.meta.name.clone(), self.meta.endpoint.clone()]);
    }
}

impl Object for Exporter {
    const KIND: &'static str = "Exporter";

    fn resource_name(&self) -> String {
        format!("exporter.jumpstarter.dev/{}", self.meta.name)
    }

    fn json(&self) -> Value {
        let mut spec = self.meta.spec();
        if !self.enabled {
            spec.insert("enabled".to_owned(), json!(false));
        }
        let devices = self.devices.iter();
        let devices = devices.map(|it| json!({"labels": it.labels, "uuid": it.uuid}));
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": self.meta.metadata(),
            "spec": spec,
            "status": {
                "credential": {"name": format!("{}-exporter", self.meta.name)},
                "devices": devices.collect::<Vec<_>>(),
                "endpoint": self.meta.endpoint,
                "exporterStatus": self.status,
                "statusMessage": self.status_message,
            },
        })
    }

    fn table() -> Table {
        Table::new(["NAME", "STATUS", "ENDPOINT", "DEVICES", "AGE"])
    }

    fn row(&self, table: &mut Table, now: Timestamp) {
        table.row(vec![
            self.meta.name.clone(),
            self.status().to_owned(),
            self.meta.endpoint.clone(),
            self.devices.len().to_string(),
            age(&self.meta.created, now),
        ]);
    }
}

impl Object for Lease {
    const KIND: &'static str = "Lease";

    fn resource_name(&self) -> String {
        format!("lease.jumpstarter.dev/{}", self.name)
    }

    fn json(&self) -> Value {
        let named = |name: &String| json!({"name": name});
        let seconds = |time: &Option<String>| time.as_deref().map(whole_seconds);
        let mut spec = json!({
            "client": named(&self.client),
            "duration": self.duration.map(length),
            "selector": selector(&self.selector),
        });
        if let Some(pinned) = &self.pinned {
            spec["exporterRef"] = named(pinned);
        }
        let place = (self.namespace.as_str(), self.name.as_str());
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": metadata(place, &self.uid, &self.created, self.generation),
            "spec": spec,
            "status": {
                "beginTime": seconds(&self.began),
                "conditions": self.conditions.iter().map(Condition::json).collect::<Vec<_>>(),
                "endTime": seconds(&self.ended),
                "ended": self.has_ended(),
                "exporter": self.exporter.as_ref().map(named),
            },
        })
    }

    fn table() -> Table {
        Table::new([
            "NAME", "CLIENT", "SELECTOR", "EXPORTER", "DURATION", "STATUS", "REASON", "BEGIN",
            "END", "AGE",
        ])
    }

    fn row(&self, table: &mut Table, now: Timestamp) {
        let seconds = |time: &Option<String>| time.as_deref().map(whole_seconds);
        table.row(vec![
            self.name.clone(),
            self.client.clone(),
            asked_for(&self.selector),
            self.exporter.clone().unwrap_or_default(),
            self.duration.map(length).unwrap_or_default(),
            match self.has_ended() {
                true => "Ended",
                false => "InProgress",
            }
            .to_owned(),
            self.reason().to_owned(),
            seconds(&self.began).unwrap_or_default(),
            seconds(&self.ended).unwrap_or_default(),
            age(&self.created, now),
        ]);
    }
}

// === impl Exporter ===

impl Exporter {
    fn status(&self) -> &str {
        self.status.as_deref().unwrap_or("Unknown")
    }

    /// A row for each device.
    pub(super) fn devices(exporters: &[Self]) -> Table {
        let headers = ["NAME", "STATUS", "ENDPOINT", "AGE", "LABELS", "UUID"];
        let mut table = Table::new(headers).keep_whole("NAME");
        let now = Timestamp::now();
        for exporter in exporters {
            for device in &exporter.devices {
                table.row(vec![
                    exporter.meta.name.clone(),
                    exporter.status().to_owned(),
                    exporter.meta.endpoint.clone(),
                    age(&exporter.meta.created, now),
                    pairs(&device.labels),
                    device.uuid.clone(),
                ]);
            }
        }
        table
    }
}

// === impl Lease ===

impl Lease {
    fn has_ended(&self) -> bool {
        self.state == "Ended"
    }

    /// The last word about it.
    fn reason(&self) -> &str {
        let Some(last) = self.conditions.last() else {
            return "Unknown";
        };
        match (last.reason.as_str(), last.holds) {
            ("Ready", false) => "Waiting",
            ("Expired", false) => "Complete",
            (reason, _) => reason,
        }
    }
}

// === impl Condition ===

impl Condition {
    fn json(&self) -> Value {
        let status = match self.holds {
            true => "True",
            false => "False",
        };
        json!({
            "lastTransitionTime": whole_seconds(&self.since),
            "message": self.message,
            "observedGeneration": self.generation,
            "reason": self.reason,
            "status": status,
            "type": self.kind,
        })
    }
}

fn pairs(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    pairs.join(",")
}

/// A selector for a table: `a:b,!c`, or `*` if anything would do.
fn asked_for(text: &str) -> String {
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
fn selector(text: &str) -> Value {
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
