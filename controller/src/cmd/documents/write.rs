//! From a lab to documents.

use serde_json::{Map, Value, json};

use super::{API_VERSION, MIGRATED_NAMESPACE, MIGRATED_UID, PROVISIONED, lease};
use crate::admin::types::{ClientView, Everything, ExporterView, PolicyView};
use crate::model::Labels;

/// All objects as documents, in an order in which none refers to a later one.
pub(in crate::cmd) fn write(all: &Everything) -> Vec<Value> {
    let clients = all.clients.iter().map(client);
    let exporters = all.exporters.iter().map(exporter);
    let policies = all.policies.iter().map(policy);
    let leases = all.leases.iter().map(lease::write);
    clients
        .chain(exporters)
        .chain(policies)
        .chain(leases)
        .collect()
}

fn client(client: &ClientView) -> Value {
    let mut annotations = migrated(&client.migrated_namespace, &client.migrated_uid);
    if client.provisioned {
        annotations.insert(PROVISIONED.to_owned(), "true".to_owned());
    }
    let mut metadata = metadata(&client.namespace, &client.name, &client.uid);
    describe(&mut metadata, &client.labels, &annotations);
    let mut spec = Map::new();
    put(&mut spec, "username", &client.username);
    document("Client", metadata, Value::Object(spec))
}

fn exporter(exporter: &ExporterView) -> Value {
    let annotations = migrated(&exporter.migrated_namespace, &exporter.migrated_uid);
    let mut metadata = metadata(&exporter.namespace, &exporter.name, &exporter.uid);
    describe(&mut metadata, &exporter.labels, &annotations);
    let mut spec = Map::new();
    put(&mut spec, "username", &exporter.username);
    put(&mut spec, "enabled", &(!exporter.enabled).then_some(false));
    document("Exporter", metadata, Value::Object(spec))
}

fn policy(policy: &PolicyView) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(policy.name));
    metadata.insert("namespace".to_owned(), json!(policy.namespace));
    document("ExporterAccessPolicy", metadata, json!(policy.spec))
}

pub(super) fn document(kind: &str, metadata: Map<String, Value>, spec: Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})
}

pub(super) fn metadata(namespace: &str, name: &str, uid: &str) -> Map<String, Value> {
    let entries = [("name", name), ("namespace", namespace), ("uid", uid)];
    let entries = entries.map(|(key, value)| (key.to_owned(), json!(value)));
    entries.into_iter().collect()
}

fn describe(metadata: &mut Map<String, Value>, labels: &Labels, annotations: &Labels) {
    for (key, pairs) in [("labels", labels), ("annotations", annotations)] {
        if !pairs.is_empty() {
            metadata.insert(key.to_owned(), json!(pairs));
        }
    }
}

fn migrated(namespace: &Option<String>, uid: &Option<String>) -> Labels {
    let both = [(MIGRATED_NAMESPACE, namespace), (MIGRATED_UID, uid)];
    let there = both
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    there.collect()
}

/// Adds an optional value.
pub(super) fn put(spec: &mut Map<String, Value>, key: &str, value: &Option<impl serde::Serialize>) {
    if let Some(value) = value {
        spec.insert(key.to_owned(), json!(value));
    }
}
