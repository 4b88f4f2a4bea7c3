//! `export:` and everything below it: drivers, groups and references.
//!
//! ```text
//!   {type: …}                   a driver; whatever else is wrong in it is a mistake
//!   {ref: text}, no group       a reference
//!   any other mapping           a group
//! ```

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Reader, Trail, Unknown, did_you_mean};
use crate::config::{
    Base, CompositeEntry, DriverEntry, Entry, LogLevel, Member, Node, PROXY, ProxyEntry, Value,
};

const NO_TYPE: &str = "; there is no `type` here, so this is a group";

// === impl Reader ===

impl Reader {
    pub(super) fn entries(&mut self, trail: &Trail<'_>, node: &Node) -> Vec<(String, Entry)> {
        let mut entries = Vec::new();
        for member in self.named(trail, node) {
            let trail = trail.key(&member.key, member.place);
            entries.push((member.key.clone(), self.entry(&trail, &member.value)));
        }
        entries
    }

    fn entry(&mut self, trail: &Trail<'_>, node: &Node) -> Entry {
        let Value::Map(_) = &node.value else {
            let found = trail.describe(node);
            let message = format!(
                "expected a mapping with `type` (a driver), `ref` (a reference) or `children` \
                 (a group), found {found}"
            );
            self.mistake(trail.place, trail, message);
            return unreadable(trail);
        };
        let children = node.member("children");
        match (node.member("type"), node.member("ref")) {
            (Some(kind), _) => self.driver(trail, node, kind),
            (None, Some(reference)) if is_reference(reference, children) => {
                self.reference(trail, node, reference)
            }
            _ => self.group(trail, node),
        }
    }

    fn group(&mut self, trail: &Trail<'_>, node: &Node) -> Entry {
        let mut fields = self.fields(trail, node);
        let children = self.with(&mut fields, trail, "children", Self::entries);
        for key in ["description", "methods_description", "config", "ref"] {
            let Some(member) = fields.take(key) else {
                continue;
            };
            let reason = match key {
                "ref" => "; there are `children` here, so this is a group",
                _ => NO_TYPE,
            };
            let trail = trail.key(key, member.place);
            self.warn(member.place, &trail, format!("ignored{reason}"));
        }
        // `tpye` is better told by its likely meaning.
        fields.suggest("type");
        fields.finish(self, trail, Unknown::Ignore(NO_TYPE));
        Entry::Composite(CompositeEntry {
            children,
            at: trail.place,
        })
    }

    fn reference(&mut self, trail: &Trail<'_>, node: &Node, reference: &Member) -> Entry {
        let Value::Text(path) = &reference.value.value else {
            let found = trail.describe(&reference.value);
            let message =
                format!("expected a dotted path, found {found}; this is an empty group now");
            self.warn(reference.place, &trail.key("ref", reference.place), message);
            return Entry::Composite(CompositeEntry {
                children: Vec::new(),
                at: trail.place,
            });
        };
        let mut fields = self.fields(trail, node);
        fields.take("ref");
        fields.finish(
            self,
            trail,
            Unknown::Ignore("; a reference has nothing but `ref`"),
        );
        Entry::Proxy(ProxyEntry {
            reference: path.clone(),
            at: reference.value.place,
        })
    }

    fn driver(&mut self, trail: &Trail<'_>, node: &Node, kind: &Member) -> Entry {
        let mut fields = self.fields(trail, node);
        fields.take("type");
        let type_name = self.text(&trail.key("type", kind.place), &kind.value);
        let description = self.with(&mut fields, trail, "description", Self::text_or_null);
        let methods_description = self.with(&mut fields, trail, "methods_description", Self::texts);
        let config = fields.take("config");
        let children = self.with(&mut fields, trail, "children", Self::entries);
        if let Some(member) = fields.take_quietly("ref") {
            let trail = trail.key("ref", member.place);
            self.warn(member.place, &trail, "ignored; there is a `type` here");
        }
        fields.finish(
            self,
            trail,
            Unknown::Ignore("; settings of the driver go below `config:`"),
        );

        // A `config:` with nothing after it is how many examples are written.
        let config_node = match config {
            Some(member) if !matches!(member.value.value, Value::Null) => member.value.clone(),
            _ => Node::map([]),
        };
        let config_at = config.map_or(kind.place, |member| member.place);
        let config_trail = trail.key("config", config_at);
        if type_name == PROXY {
            return self.typed_reference(&config_trail, &config_node, trail);
        }
        let base = self.base(&config_trail, &config_node);
        let config = match config_node.to_json() {
            serde_json::Value::Object(config) => config,
            _ => serde_json::Map::new(),
        };
        Entry::Driver(DriverEntry {
            type_name,
            description,
            methods_description,
            config,
            base,
            children,
            at: trail.place,
            type_at: kind.value.place,
            config_at,
            config_node,
        })
    }

    /// `type: …Proxy` with the path in its `config`.
    fn typed_reference(&mut self, trail: &Trail<'_>, config: &Node, entry: &Trail<'_>) -> Entry {
        self.members(trail, config);
        let Some(member) = config.member("ref") else {
            self.mistake(trail.place, trail, "`ref` is missing");
            return unreadable(entry);
        };
        Entry::Proxy(ProxyEntry {
            reference: self.text(&trail.key("ref", member.place), &member.value),
            at: member.value.place,
        })
    }

    fn texts(&mut self, trail: &Trail<'_>, node: &Node) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for member in self.named(trail, node) {
            let text = self.text(&trail.key(&member.key, member.place), &member.value);
            texts.insert(member.key.clone(), text);
        }
        texts
    }

    /// The keys of `config` that are the host's.
    fn base(&mut self, trail: &Trail<'_>, config: &Node) -> Base {
        let mut base = Base::default();
        for member in self.named(trail, config) {
            let trail = &trail.key(&member.key, member.place);
            let node = &member.value;
            match member.key.as_str() {
                "labels" => base.labels = self.texts(trail, node),
                "log_level" => base.log_level = self.log_level(trail, node),
                "uuid" => base.uuid = self.uuid(trail, node),
                "description" | "methods_description" | "children" => {
                    let message = "does not belong in `config`; write it beside `type`";
                    self.mistake(member.place, trail, message);
                }
                _ => {}
            }
        }
        base
    }

    fn log_level(&mut self, trail: &Trail<'_>, node: &Node) -> LogLevel {
        // Python's levels are numbers underneath, and it takes those too.
        if let Value::Int(level) = node.value {
            return match level {
                ..=10 => LogLevel::Debug,
                11..=20 => LogLevel::Info,
                21..=30 => LogLevel::Warning,
                31..=40 => LogLevel::Error,
                _ => LogLevel::Critical,
            };
        }
        let text = self.text(trail, node);
        let known = LogLevel::NAMES.map(|(name, _)| name);
        let found = LogLevel::NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&text));
        match found {
            Some((_, level)) => *level,
            None => {
                if matches!(node.value, Value::Text(_)) {
                    let meant = did_you_mean(&text, known);
                    let message = format!("{text:?} is not a log level{meant}");
                    self.mistake(node.place, trail, message);
                }
                LogLevel::default()
            }
        }
    }

    fn uuid(&mut self, trail: &Trail<'_>, node: &Node) -> Option<Uuid> {
        let text = self.text(trail, node);
        let uuid = Uuid::parse_str(text.trim()).ok();
        if uuid.is_none() && matches!(node.value, Value::Text(_)) {
            self.mistake(node.place, trail, format!("{text:?} is not a uuid"));
        }
        uuid
    }
}

/// Without `children` it can be nothing else, and `children` that are no mapping make no group.
fn is_reference(reference: &Member, children: Option<&Member>) -> bool {
    match children {
        None => true,
        Some(children) => {
            matches!(reference.value.value, Value::Text(_)) && !children.value.is_map()
        }
    }
}

/// Stands for an entry that has a mistake, so that references to it are not mistakes too.
fn unreadable(trail: &Trail<'_>) -> Entry {
    Entry::Driver(DriverEntry {
        type_name: String::new(),
        description: None,
        methods_description: BTreeMap::new(),
        config: serde_json::Map::new(),
        base: Base::default(),
        children: Vec::new(),
        at: trail.place,
        type_at: trail.place,
        config_at: trail.place,
        config_node: Node::map([]),
    })
}
