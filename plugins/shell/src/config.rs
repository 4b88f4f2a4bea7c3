//! The configuration: scripts by name, in the order in which they are written.

use std::fmt;
use std::time::Duration;

use jumpstarter_driver::{Error, Json, Result, Schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

/// What runs when an entry has no command.
const DEFAULT_COMMAND: &str = "echo Hello";

/// The `config` block.
#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Scripts by the name of their method: a script, or `{command, description, timeout}`.
    pub(crate) methods: Methods,
    /// What runs a script: the program and its arguments; the script follows as one argument, then
    /// the method's name and the caller's arguments. `[bash, -c]` if left out.
    #[serde(default = "bash")]
    pub(crate) shell: Vec<String>,
    /// Seconds until a script is stopped.
    #[serde(default = "five_minutes")]
    #[schema(default = 300)]
    pub(crate) timeout: f64,
    /// Folder in which scripts start; that of the exporter if left out.
    #[serde(default)]
    pub(crate) cwd: Option<String>,
}

/// The scripts, in the order of the configuration.
pub(crate) struct Methods(Vec<(String, Entry)>);

/// One script.
#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The script. `echo Hello` if left out.
    #[serde(default = "hello")]
    #[schema(default = "echo Hello")]
    pub(crate) command: String,
    /// Help text of the method.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Seconds until this script is stopped.
    #[serde(default)]
    pub(crate) timeout: Option<f64>,
}

/// As people write them.
struct Written(Entry);

struct EntryVisitor;

struct MethodsVisitor;

fn bash() -> Vec<String> {
    vec!["bash".to_owned(), "-c".to_owned()]
}

fn five_minutes() -> f64 {
    300.0
}

fn hello() -> String {
    DEFAULT_COMMAND.to_owned()
}

// === impl Config ===

impl Config {
    /// Finds what no schema can say.
    pub(crate) fn check(&self) -> Result<()> {
        seconds("timeout", self.timeout)?;
        for (name, entry) in &self.methods.0 {
            if let Some(timeout) = entry.timeout {
                seconds(&format!("methods.{name}.timeout"), timeout)?;
            }
        }
        Ok(())
    }
}

/// Makes sure that a number can be a time limit.
fn seconds(key: &str, number: f64) -> Result<Duration> {
    let text = "must be a positive number of seconds";
    match Duration::try_from_secs_f64(number) {
        Ok(limit) if !limit.is_zero() => Ok(limit),
        _ => Err(Error::invalid_argument(format_args!("{key}: {text}"))),
    }
}

// === impl Methods ===

impl Methods {
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, entry)| entry)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl Schema for Methods {
    const SCHEMA: Json = Json::Join(&[
        Json::Raw(r#"{"type":"object","additionalProperties":{"anyOf":[{"type":"string"},"#),
        Entry::SCHEMA,
        Json::Raw("]}}"),
    ]);
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MethodsVisitor)
    }
}

impl<'de> Visitor<'de> for MethodsVisitor {
    type Value = Methods;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scripts by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Methods, M::Error> {
        let mut methods = Vec::new();
        while let Some((name, Written(entry))) = map.next_entry()? {
            methods.push((name, entry));
        }
        Ok(Methods(methods))
    }
}

// === impl Written ===

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor).map(Self)
    }
}

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a script, or `{command, description, timeout}`")
    }

    fn visit_str<E: serde::de::Error>(self, script: &str) -> Result<Entry, E> {
        Ok(Entry {
            command: script.to_owned(),
            description: None,
            timeout: None,
        })
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Entry, M::Error> {
        Entry::deserialize(MapAccessDeserializer::new(map))
    }
}
