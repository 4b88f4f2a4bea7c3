//! The top level of an exporter configuration.

use std::{collections::BTreeMap, path::PathBuf};

use jumpstarter_client::Secret;

use super::{Fields, Reader, Trail, Unknown};
use crate::config::{
    API_VERSION, Env, ExporterConfig, FailureDetection, GrpcOption, KIND, Member, Metadata, Node,
    Source, Tls, yaml::Value,
};

/// Reads a whole file.
pub(in crate::config) fn exporter(
    reader: &mut Reader,
    node: &Node,
    source: &Source,
    env: &Env,
) -> ExporterConfig {
    let trail = &Trail::root();
    if matches!(node.value, Value::Null) {
        let message = "the file is empty; it needs at least `metadata: {namespace: …, name: …}`";
        reader.mistake(node.place, trail, message);
        return ExporterConfig {
            source: source.clone(),
            ..ExporterConfig::default()
        };
    }
    let mut fields = reader.fields(trail, node);
    reader.header(&mut fields, trail);
    let metadata = match fields.take("metadata") {
        Some(member) => reader.metadata(&trail.key("metadata", member.place), &member.value, env),
        None => {
            if matches!(node.value, Value::Map(_)) {
                let message = "`metadata` is missing; write `metadata: {namespace: …, name: …}`";
                reader.mistake(node.place, trail, message);
            }
            Metadata::default()
        }
    };
    let config = ExporterConfig {
        metadata,
        endpoint: reader.optional(&mut fields, trail, "endpoint"),
        tls: reader.with(&mut fields, trail, "tls", Reader::tls),
        token: reader
            .optional(&mut fields, trail, "token")
            .map(Secret::new),
        grpc_options: reader.with(&mut fields, trail, "grpcOptions", Reader::grpc_options),
        description: reader.optional(&mut fields, trail, "description"),
        motd: reader.optional(&mut fields, trail, "motd"),
        export: reader.with(&mut fields, trail, "export", Reader::entries),
        hooks: reader.with(&mut fields, trail, "hooks", Reader::hooks),
        failure_detection: reader.with(&mut fields, trail, "failureDetection", Reader::failures),
        exit_on_lease_end: reader.with(&mut fields, trail, "exitOnLeaseEnd", Reader::boolean),
        plugins: fields.take("plugins").map_or_else(Vec::new, |member| {
            let trail = trail.key("plugins", member.place);
            reader.plugins(&trail, &member.value, source)
        }),
        source: source.clone(),
        warnings: Vec::new(),
    };
    for internal in ["alias", "path"] {
        fields.take_quietly(internal);
    }
    // The spelling of some old documentation.
    if let Some(member) = fields.take_quietly("grpcConfig") {
        let trail = trail.key("grpcConfig", member.place);
        reader.warn(member.place, &trail, "ignored, the key is `grpcOptions`");
    }
    fields.finish(reader, trail, Unknown::Ignore(""));
    config
}

// === impl Reader ===

impl Reader {
    /// Reads the value of `name`, or gives the default if it is not there.
    pub(super) fn with<T: Default>(
        &mut self,
        fields: &mut Fields<'_>,
        trail: &Trail<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &Trail<'_>, &Node) -> T,
    ) -> T {
        match fields.take(name) {
            Some(member) => read(self, &trail.key(name, member.place), &member.value),
            None => T::default(),
        }
    }

    fn optional(
        &mut self,
        fields: &mut Fields<'_>,
        trail: &Trail<'_>,
        name: &'static str,
    ) -> Option<String> {
        self.with(fields, trail, name, Self::text_or_null)
    }

    fn header(&mut self, fields: &mut Fields<'_>, trail: &Trail<'_>) {
        for (name, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            let Some(Member { value, place, .. }) = fields.take(name) else {
                continue;
            };
            let trail = trail.key(name, *place);
            match &value.value {
                Value::Text(text) if text == wanted => {}
                Value::Text(text) if name == "kind" && text == "ClientConfig" => {
                    let message = "this is a client configuration, not an exporter's";
                    self.mistake(value.place, &trail, message);
                }
                _ => self.wrong(&trail, value, &format!("`{wanted}`")),
            }
        }
    }

    fn metadata(&mut self, trail: &Trail<'_>, node: &Node, env: &Env) -> Metadata {
        let mut fields = self.fields(trail, node);
        let namespace = fields.take("namespace");
        let name = fields.take("name");
        if matches!(node.value, Value::Map(_)) {
            for (there, variable, key) in [
                (
                    namespace.is_some() || env.namespace.is_some(),
                    "JMP_NAMESPACE",
                    "namespace",
                ),
                (name.is_some() || env.name.is_some(), "JMP_NAME", "name"),
            ] {
                if !there {
                    let message = format!("`{key}` is missing here and in ${variable}");
                    self.mistake(trail.place, trail, message);
                }
            }
        }
        let metadata = Metadata {
            namespace: match namespace {
                Some(member) => {
                    self.text_or_null(&trail.key("namespace", member.place), &member.value)
                }
                None => env.namespace.clone(),
            },
            name: match name {
                Some(member) => self.text(&trail.key("name", member.place), &member.value),
                None => env.name.clone().unwrap_or_default(),
            },
        };
        fields.finish(self, trail, Unknown::Refuse);
        metadata
    }

    fn tls(&mut self, trail: &Trail<'_>, node: &Node) -> Tls {
        let mut fields = self.fields(trail, node);
        let tls = Tls {
            ca: self.with(&mut fields, trail, "ca", Self::text),
            insecure: self.with(&mut fields, trail, "insecure", Self::boolean),
        };
        fields.finish(self, trail, Unknown::Ignore(""));
        tls
    }

    fn grpc_options(&mut self, trail: &Trail<'_>, node: &Node) -> BTreeMap<String, GrpcOption> {
        if matches!(node.value, Value::Null) {
            return BTreeMap::new();
        }
        let mut options = BTreeMap::new();
        for member in self.named(trail, node) {
            let trail = trail.key(&member.key, member.place);
            let value = match &member.value.value {
                Value::Text(text) => Some(GrpcOption::Text(text.clone())),
                _ => super::scalar::integer(&member.value).map(GrpcOption::Int),
            };
            match value {
                Some(value) => drop(options.insert(member.key.clone(), value)),
                None => self.wrong(&trail, &member.value, "a text or an integer"),
            }
        }
        options
    }

    fn failures(&mut self, trail: &Trail<'_>, node: &Node) -> FailureDetection {
        let mut fields = self.fields(trail, node);
        let default = FailureDetection::default();
        let mut read = |name, other, default| {
            let member = self.either(&mut fields, trail, name, other);
            member.map_or(default, |member| {
                self.integer(&trail.key(&member.key, member.place), &member.value)
            })
        };
        let found = FailureDetection {
            max_rapid_failures: read(
                "maxRapidFailures",
                "max_rapid_failures",
                default.max_rapid_failures,
            ),
            rapid_failure_window: read(
                "rapidFailureWindow",
                "rapid_failure_window",
                default.rapid_failure_window,
            ),
        };
        fields.finish(self, trail, Unknown::Ignore(""));
        found
    }

    /// One path or a list of them, relative to the file.
    fn plugins(&mut self, trail: &Trail<'_>, node: &Node, source: &Source) -> Vec<PathBuf> {
        let paths = match &node.value {
            Value::Null => Vec::new(),
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.text(&trail.item(index, item.place), item))
                .collect(),
            Value::Text(path) => vec![path.clone()],
            _ => {
                self.wrong(trail, node, "a path or a list of paths");
                Vec::new()
            }
        };
        let folder = source
            .file()
            .parent()
            .map(PathBuf::from)
            .unwrap_or_default();
        let home = std::env::home_dir().unwrap_or_default();
        paths
            .iter()
            .map(|path| match path.strip_prefix("~/") {
                Some(rest) => home.join(rest),
                None => folder.join(path),
            })
            .collect()
    }
}
