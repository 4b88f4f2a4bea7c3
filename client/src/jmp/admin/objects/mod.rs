//! Objects of the lab as Kubernetes has them, and as tables have them.

mod client;
mod exporter;
mod lease;
mod selector;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::age::whole_seconds;
use super::views::Meta;
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
