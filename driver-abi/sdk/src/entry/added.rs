//! What an open driver adds to the metadata of its type, and the drivers that it brings along.
//!
//! The answer to `open` tells both; a brought driver is described in full, as its type may come
//! from another crate, which is no plugin of this exporter.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{DRIVERS, Instance};
use crate::class::{Class, Dispatch};
use crate::scope::Scope;
use crate::{Description, DynamicMethod, Error, Result};

/// A driver that is open and not yet known to the host.
pub(super) struct Opened {
    driver: Box<dyn Dispatch>,
    description: Description,
    children: Vec<(String, Class, Opened)>,
}

// === impl Opened ===

impl Opened {
    /// Asks the driver about itself and its children.
    pub(super) fn new(driver: Box<dyn Dispatch>) -> Result<Self> {
        let description = driver.describe();
        let mut names = HashSet::new();
        let mut children = Vec::new();
        for child in driver.children() {
            if !names.insert(child.name.clone()) {
                return Err(Error::internal(format_args!(
                    "the driver has two children `{}`",
                    child.name
                )));
            }
            children.push((child.name, child.class, Self::new(child.driver)?));
        }
        Ok(Self {
            driver,
            description,
            children,
        })
    }

    /// Makes it callable. Returns its handle and what `open` tells about it.
    pub(super) fn register(self, scope: Arc<Scope>) -> (u64, Map<String, Value>) {
        let mut added = described(&self.description);
        let (mut handles, mut entries) = (Vec::new(), Map::new());
        for (name, class, child) in self.children {
            let (handle, dynamic) = child.register(Arc::new(scope.child()));
            handles.push(handle);
            entries.insert(name, Value::Object(entry(class, handle, dynamic)));
        }
        if !entries.is_empty() {
            added.insert("children".to_owned(), Value::Object(entries));
        }
        let methods = self.description.methods;
        let instance = Instance::new(self.driver, methods, scope, handles);
        (DRIVERS.insert(Arc::new(instance)), added)
    }
}

/// What an instance says about itself; nothing where it says nothing.
fn described(description: &Description) -> Map<String, Value> {
    let mut added = Map::new();
    let texts = [
        ("client", &description.client),
        ("category", &description.category),
        ("description", &description.description),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            added.insert(key.to_owned(), json!(text));
        }
    }
    let maps = [
        ("labels", &description.labels),
        ("methods_description", &description.methods_description),
    ];
    for (key, map) in maps {
        if !map.is_empty() {
            added.insert(key.to_owned(), json!(map));
        }
    }
    if !description.methods.is_empty() {
        let methods = description.methods.iter().map(DynamicMethod::metadata);
        added.insert("methods".to_owned(), methods.collect());
    }
    added
}

/// The entry of a brought driver: what its type says, and then what the instance says.
fn entry(class: Class, handle: u64, mut dynamic: Map<String, Value>) -> Map<String, Value> {
    // The text was made at compile time, of parts that a test reads back.
    let mut entry: Map<String, Value> =
        serde_json::from_str(&class.metadata.to_string()).unwrap_or_default();
    entry.retain(|key, _| matches!(key.as_str(), "client" | "category" | "methods"));
    if let (Some(Value::Array(all)), Some(Value::Array(own))) =
        (entry.get_mut("methods"), dynamic.get_mut("methods"))
    {
        all.append(own);
        dynamic.remove("methods");
    }
    entry.extend(dynamic);
    entry.insert("type".to_owned(), json!(class.name()));
    entry.insert("handle".to_owned(), json!(handle));
    entry
}
