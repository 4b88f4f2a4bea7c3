//! A client's settings, as far as `j` needs them.

use std::path::Path;

use serde::Deserialize;

use super::{API_VERSION, ConfigError, expect, read};
use crate::Allow;

/// A client's settings.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Which driver clients may be used.
    pub drivers: Drivers,
}

/// Which driver clients may be used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drivers {
    #[serde(default)]
    allow: List,
    #[serde(default, rename = "unsafe")]
    any: bool,
}

/// Globs, as a list or separated by commas.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum List {
    Globs(Vec<String>),
    Text(String),
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    drivers: Drivers,
}

// === impl ClientConfig ===

impl ClientConfig {
    /// Reads a client's file; none if there is none.
    ///
    /// # Errors
    ///
    /// When it is there but of no use.
    pub fn load(path: &Path) -> Result<Option<Self>, ConfigError> {
        let Some(file) = read::<File>(path)? else {
            return Ok(None);
        };
        if let Some(api_version) = &file.api_version {
            expect(path, "apiVersion", api_version, API_VERSION)?;
        }
        if let Some(kind) = &file.kind {
            expect(path, "kind", kind, "ClientConfig")?;
        }
        Ok(Some(Self {
            drivers: file.drivers,
        }))
    }
}

// === impl Drivers ===

impl Drivers {
    /// As a rule to ask.
    pub fn allow(&self) -> Allow {
        match &self.allow {
            _ if self.any => Allow::everything(),
            List::Globs(globs) => Allow::new(globs.clone()),
            List::Text(text) => Allow::from_list(text),
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::Globs(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allow(yaml: &str) -> Allow {
        serde_yaml::from_str::<Drivers>(yaml).unwrap().allow()
    }

    #[test]
    fn lists_and_texts_mean_the_same() {
        assert_eq!(allow("allow: [a, b]"), allow("allow: a,b"));
        assert_eq!(allow("allow: [a, UNSAFE]").to_list(), "UNSAFE");
        assert_eq!(allow("{allow: [a], unsafe: true}"), Allow::everything());
        assert!(!allow("{}").permits("a"));
    }
}
