//! From documents to a lab.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::{MIGRATED_NAMESPACE, MIGRATED_UID, PROVISIONED, lease};
use crate::admin::PolicySpec;
use crate::admin::types::{ClientView, Everything, ExporterView, PolicyView};
use crate::model::Labels;

/// A document of another kind than those of a lab, as `Secret lab/alice-client`.
pub(in crate::cmd) struct Skipped(pub(in crate::cmd) String);

/// One object, or a list of objects.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    items: Vec<Value>,
}

/// The metadata that matter here.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSpec {
    username: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExporterSpec {
    username: Option<String>,
    enabled: Option<bool>,
}

struct Reader<'a> {
    /// The namespace of objects that name none.
    namespace: &'a str,
    all: Everything,
    skipped: Vec<Skipped>,
}

/// Reads documents, and lists of them, in YAML or JSON. `namespace` is for objects that name none.
///
/// # Errors
///
/// What is wrong, and with which object.
pub(in crate::cmd) fn read(
    text: &str,
    namespace: &str,
) -> Result<(Everything, Vec<Skipped>), String> {
    let mut reader = Reader {
        namespace,
        all: Everything::default(),
        skipped: Vec::new(),
    };
    for (at, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let place = format!("document {}", at + 1);
        let value = Value::deserialize(document).map_err(|error| format!("{place}: {error}"))?;
        if !value.is_null() {
            reader.take(value, &place)?;
        }
    }
    Ok((reader.all, reader.skipped))
}

/// Parses one part of a document; null is its default.
fn part<T: DeserializeOwned + Default>(value: Value, name: &str) -> Result<T, String> {
    if value.is_null() {
        return Ok(T::default());
    }
    serde_yaml::from_value(value).map_err(|error| format!("{name}: {error}"))
}

// === impl Reader ===

impl Reader<'_> {
    fn take(&mut self, value: Value, place: &str) -> Result<(), String> {
        let Document {
            kind,
            metadata,
            spec,
            status,
            items,
        } = serde_yaml::from_value(value).map_err(|error| format!("{place}: {error}"))?;
        if kind.ends_with("List") {
            for (at, item) in items.into_iter().enumerate() {
                self.take(item, &format!("{place}, item {}", at + 1))?;
            }
            return Ok(());
        }
        let namespace = metadata.namespace.as_deref().unwrap_or(self.namespace);
        let object = format!("{kind} {namespace}/{}", metadata.name);
        let namespace = namespace.to_owned();
        if metadata.name.is_empty() || kind.is_empty() {
            return Err(format!(
                "{place}: an object needs `kind` and `metadata.name`"
            ));
        }
        let taken = match kind.as_str() {
            "Client" => self.client(namespace, metadata, spec),
            "Exporter" => self.exporter(namespace, metadata, spec),
            "ExporterAccessPolicy" => self.policy(namespace, metadata, spec),
            "Lease" => self.lease(namespace, metadata, spec, status),
            _ => {
                self.skipped.push(Skipped(object.clone()));
                Ok(())
            }
        };
        taken.map_err(|why| format!("{place} ({object}): {why}"))
    }

    fn client(&mut self, namespace: String, of: Metadata, spec: Value) -> Result<(), String> {
        let spec: ClientSpec = part(spec, "spec")?;
        self.all.clients.push(ClientView {
            namespace,
            name: of.name,
            uid: of.uid,
            labels: of.labels,
            username: spec.username,
            provisioned: of
                .annotations
                .get(PROVISIONED)
                .is_some_and(|it| it == "true"),
            created: String::new(),
            generation: 0,
            endpoint: String::new(),
            migrated_namespace: of.annotations.get(MIGRATED_NAMESPACE).cloned(),
            migrated_uid: of.annotations.get(MIGRATED_UID).cloned(),
        });
        Ok(())
    }

    fn exporter(&mut self, namespace: String, of: Metadata, spec: Value) -> Result<(), String> {
        let spec: ExporterSpec = part(spec, "spec")?;
        self.all.exporters.push(ExporterView {
            namespace,
            name: of.name,
            uid: of.uid,
            labels: of.labels,
            told: Labels::new(),
            username: spec.username,
            enabled: spec.enabled.unwrap_or(true),
            online: false,
            status: None,
            status_message: String::new(),
            last_seen: None,
            lease: None,
            devices: Vec::new(),
            created: String::new(),
            generation: 0,
            endpoint: String::new(),
            migrated_namespace: of.annotations.get(MIGRATED_NAMESPACE).cloned(),
            migrated_uid: of.annotations.get(MIGRATED_UID).cloned(),
        });
        Ok(())
    }

    fn policy(&mut self, namespace: String, of: Metadata, spec: Value) -> Result<(), String> {
        let spec: PolicySpec = part(spec, "spec")?;
        spec.read().map_err(|why| format!("spec: {why}"))?;
        self.all.policies.push(PolicyView {
            namespace,
            name: of.name,
            spec,
            created: String::new(),
        });
        Ok(())
    }

    fn lease(
        &mut self,
        namespace: String,
        of: Metadata,
        spec: Value,
        status: Value,
    ) -> Result<(), String> {
        let spec = serde_yaml::from_value(spec).map_err(|error| format!("spec: {error}"))?;
        let status = part(status, "status")?;
        // Ended leases are left out.
        if let Some(lease) = lease::read((namespace, of.name), spec, status)? {
            self.all.leases.push(lease);
        }
        Ok(())
    }
}
