//! What a plugin says about itself, without being run.
//!
//! `driver-abi/README.md` lists the keys. Keys that are not known here are ignored, so that a newer
//! plugin can say more than this host understands.

use std::path::Path;

use jumpstarter_driver_abi::{ABI_HASH, ABI_MAJOR, ABI_MINOR};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::PluginError;

/// The metadata of a plugin.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Metadata {
    /// Version of the boundary it was built for, `"1.0"`.
    pub jmp_abi: String,
    /// Name of the plugin.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// The drivers in it.
    pub drivers: Vec<DriverMetadata>,
    /// `rust`, `c`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Fingerprint of the boundary it was built against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi_hash: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Its license.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Version of the SDK that built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// Version of the compiler that built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rustc: Option<String>,
    /// The machine it was built for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `unwind` or `abort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<String>,
    /// Its methods block: it gets a worker thread more.
    #[serde(default)]
    pub blocking: bool,
    /// A C plugin whose entry points never block.
    #[serde(default)]
    pub nonblocking: bool,
}

/// One driver of a plugin.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DriverMetadata {
    /// The names that a configuration may use.
    #[serde(rename = "type")]
    pub types: Vec<String>,
    /// Class of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// `power`, `storage`, ...
    #[serde(default = "other")]
    pub category: String,
    /// What it is, Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// JSON Schema of the `config` block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// Its methods.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Instances have further methods.
    #[serde(default)]
    pub dynamic: bool,
}

/// One method of a driver.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Method {
    /// As called on the wire.
    pub name: String,
    /// How it is called.
    pub kind: MethodKind,
    /// Help text, Markdown; the first line is the summary.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// In order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// JSON Schema of the result, or of one item of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// How a method is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodKind {
    /// Arguments in, a value out.
    Call,
    /// Arguments in, a stream of values out.
    Stream,
    /// A byte stream in both directions.
    Bytes,
}

/// One parameter of a method.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Param {
    /// Its name, for people: arguments are positional.
    pub name: String,
    /// JSON Schema.
    #[serde(default)]
    pub schema: Value,
    /// May be left out, if all after it are.
    #[serde(default)]
    pub optional: bool,
}

fn other() -> String {
    "other".to_owned()
}

// === impl Metadata ===

impl Metadata {
    /// Reads the bytes of the metadata symbol.
    pub(super) fn parse(path: &Path, symbol: &[u8]) -> Result<Self, PluginError> {
        let malformed = |reason: String| PluginError::Metadata {
            path: path.to_owned(),
            reason,
        };
        let end = symbol.iter().position(|byte| *byte == 0);
        let json = &symbol[..end.unwrap_or(symbol.len())];
        if json.is_empty() && symbol.len() == size_of::<usize>() {
            return Err(malformed(
                "is empty: `jmp_plugin_meta` must be an array of char, not a pointer".to_owned(),
            ));
        }
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| malformed(format!("is not JSON: {error}")))?;
        // The version comes before all else: another major version may have other keys.
        let Some(jmp_abi) = value.get("jmp_abi").and_then(Value::as_str) else {
            return Err(malformed("has no string `jmp_abi`".to_owned()));
        };
        let major = jmp_abi.split('.').next().and_then(|n| n.parse().ok());
        match major {
            Some(ABI_MAJOR) => serde_json::from_value(value)
                .map_err(|error| malformed(format!("is wrong: {error}"))),
            None => Err(malformed(format!(
                "has `jmp_abi` `{jmp_abi}`, which is no version"
            ))),
            Some(major) => Err(PluginError::Abi {
                plugin: title(text(&value, "name"), text(&value, "version")),
                path: path.to_owned(),
                built_for: jmp_abi.to_owned(),
                advice: if major > ABI_MAJOR {
                    "Use a newer jmp or an older plugin."
                } else {
                    "Use a newer plugin or an older jmp."
                },
            }),
        }
    }

    /// Refuses what would not survive in this process.
    pub(super) fn check(&self, path: &Path) -> Result<(), PluginError> {
        let unfit = |reason: String| {
            Err(PluginError::Unfit {
                plugin: self.title(),
                path: path.to_owned(),
                reason,
            })
        };
        if let Some(hash) = self.abi_hash.as_deref().filter(|hash| *hash != ABI_HASH) {
            return unfit(format!(
                "its structs do not match driver ABI {ABI_MAJOR}.{ABI_MINOR} (hash {hash}, this \
                 jmp has {ABI_HASH}); it was built with a modified jumpstarter-driver-abi"
            ));
        }
        match self.panic.as_deref() {
            None | Some("unwind") => Ok(()),
            Some(other) => unfit(format!(
                "built with `panic = \"{other}\"`, so a panic in it would end the exporter; build \
                 it with `panic = \"unwind\"`"
            )),
        }
    }

    /// Name and version, as messages name the plugin.
    pub fn title(&self) -> String {
        title(&self.name, &self.version)
    }

    /// The driver that a configuration means by this type.
    pub fn driver(&self, type_name: &str) -> Option<&DriverMetadata> {
        let offers = |driver: &&DriverMetadata| driver.types.iter().any(|t| t == type_name);
        self.drivers.iter().find(offers)
    }
}

fn title(name: &str, version: &str) -> String {
    format!("{name} {version}").trim().to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("?")
}

// === impl MethodKind ===

impl MethodKind {
    /// As the metadata writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Stream => "stream",
            Self::Bytes => "bytes",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        let path = Path::new("/p/acme.so");
        let parsed = Metadata::parse(path, json.as_bytes());
        let checked = parsed.and_then(|metadata| metadata.check(path).map(|()| metadata));
        checked.unwrap_err().to_string()
    }

    #[test]
    fn a_newer_plugin_may_say_more() {
        let json = br#"{"jmp_abi":"1.7","name":"acme","version":"2.1","colour":"red",
            "drivers":[{"type":["acme.Power"],"weight":3}]}"#;
        let metadata =
            Metadata::parse(Path::new("x.so"), &[json, &b"\0rest"[..]].concat()).unwrap();
        metadata.check(Path::new("x.so")).unwrap();
        assert_eq!(metadata.title(), "acme 2.1");
        assert_eq!(metadata.driver("acme.Power").unwrap().category, "other");
        assert!(metadata.driver("acme.Usb").is_none());
    }

    #[test]
    fn another_major_version_is_refused_before_its_other_keys_are_read() {
        assert_eq!(
            refusal(r#"{"jmp_abi":"2.0","name":"acme","version":"2.1","drivers":7}"#),
            "driver plugin acme 2.1 (/p/acme.so): built for driver ABI 2.0; this jmp speaks 1.x. \
             Use a newer jmp or an older plugin."
        );
        assert_eq!(
            refusal(r#"{"jmp_abi":"0.9"}"#),
            "driver plugin ? ? (/p/acme.so): built for driver ABI 0.9; this jmp speaks 1.x. \
             Use a newer plugin or an older jmp."
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        assert_eq!(
            refusal(r#"{"jmp_abi":"1.0","name":"acme","drivers":[]}"#),
            "driver plugin /p/acme.so: its metadata is wrong: missing field `version`"
        );
        assert_eq!(
            refusal(r#"{"name":"acme"}"#),
            "driver plugin /p/acme.so: its metadata has no string `jmp_abi`"
        );
    }

    #[test]
    fn a_pointer_in_place_of_an_array_is_explained() {
        assert_eq!(
            refusal("\0\0\0\0\0\0\0\0"),
            "driver plugin /p/acme.so: its metadata is empty: `jmp_plugin_meta` must be an array \
             of char, not a pointer"
        );
    }

    #[test]
    fn an_aborting_plugin_is_refused() {
        let text = refusal(
            r#"{"jmp_abi":"1.0","name":"acme","version":"2","drivers":[],"panic":"abort"}"#,
        );
        assert!(text.contains("built with `panic = \"abort\"`"), "{text}");
    }

    #[test]
    fn modified_structs_are_refused() {
        let text = refusal(
            r#"{"jmp_abi":"1.0","name":"acme","version":"2","drivers":[],"abi_hash":"00"}"#,
        );
        assert!(text.contains("modified jumpstarter-driver-abi"), "{text}");
    }
}
