//! Which client is the current one.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::{API_VERSION, ClientConfig, ConfigError, Lock, expect, home, read, write};
use crate::yaml;

/// The user's own file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserConfig {
    /// Alias of the client that is used when no other is named.
    pub current_client: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "keys and values")]
struct File {
    #[serde(rename = "apiVersion", default = "api_version")]
    api_version: String,
    #[serde(default = "kind")]
    kind: String,
    config: Settings,
}

#[derive(Deserialize)]
#[serde(expecting = "keys and values")]
struct Settings {
    #[serde(rename = "current-client", alias = "current_client", default)]
    current_client: Option<String>,
}

fn api_version() -> String {
    API_VERSION.to_owned()
}

fn kind() -> String {
    "UserConfig".to_owned()
}

// === impl UserConfig ===

impl UserConfig {
    /// Reads the user's file; none if there is none.
    ///
    /// # Errors
    ///
    /// When it is there but of no use.
    pub fn load() -> Result<Option<Self>, ConfigError> {
        Self::load_from(&home()?)
    }

    fn load_from(home: &Path) -> Result<Option<Self>, ConfigError> {
        let path = home.join("config.yaml");
        let Some(file) = read::<File>(&path)? else {
            return Ok(None);
        };
        expect(&path, "apiVersion", &file.api_version, API_VERSION)?;
        expect(&path, "kind", &file.kind, "UserConfig")?;
        Ok(Some(Self {
            current_client: file.config.current_client.filter(|alias| !alias.is_empty()),
        }))
    }

    /// Reads the user's file, or makes one that names no client.
    ///
    /// # Errors
    ///
    /// When it is of no use, or cannot be made.
    pub fn load_or_create() -> Result<Self, ConfigError> {
        let home = home()?;
        if let Some(user) = Self::load_from(&home)? {
            return Ok(user);
        }
        let _lock = Lock::of(&home);
        // Somebody else may have been faster, and have chosen a client.
        if let Some(user) = Self::load_from(&home)? {
            return Ok(user);
        }
        let user = Self {
            current_client: None,
        };
        user.save_in(&home)?;
        Ok(user)
    }

    /// The configuration of the client it names; none if it names none, or its file is gone.
    ///
    /// # Errors
    ///
    /// When the file is there but of no use.
    pub fn client(&self) -> Result<Option<ClientConfig>, ConfigError> {
        match &self.current_client {
            Some(alias) => ClientConfig::load(&client_in(&home()?, alias)),
            None => Ok(None),
        }
    }

    /// Makes the client called `alias` the current one, or none.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn choose(alias: Option<&str>) -> Result<(), ConfigError> {
        let user = Self {
            current_client: alias.map(str::to_owned),
        };
        let home = home()?;
        let _lock = Lock::of(&home);
        user.save_in(&home)
    }

    /// Makes another client the current one if `alias` is, which is about to be deleted.
    ///
    /// # Errors
    ///
    /// When the file is of no use, or cannot be written.
    pub fn forget(alias: &str) -> Result<(), ConfigError> {
        let home = home()?;
        let _lock = Lock::of(&home);
        let user = Self::load_from(&home)?.unwrap_or(Self {
            current_client: None,
        });
        if user.current_client.as_deref() != Some(alias) {
            return Ok(());
        }
        let files = super::files(&home.join("clients"))?;
        let mut names = files.iter().filter_map(|file| file.file_stem()?.to_str());
        let next = Self {
            current_client: names.find(|name| *name != alias).map(str::to_owned),
        };
        next.save_in(&home)
    }

    fn save_in(&self, home: &Path) -> Result<(), ConfigError> {
        let path = home.join("config.yaml");
        let text = yaml::to_string(&json!({
            "apiVersion": API_VERSION,
            "kind": kind(),
            "config": {"current-client": self.current_client},
        }));
        let text = text.map_err(|error| ConfigError::Invalid {
            path: path.clone(),
            why: error.to_string(),
        })?;
        write::plainly(&path, &text)
    }

    /// The configuration of the current client; none if there is none, or its file is gone.
    ///
    /// # Errors
    ///
    /// When a file is there but of no use.
    pub fn current() -> Result<Option<ClientConfig>, ConfigError> {
        Self::current_in(&home()?)
    }

    fn current_in(home: &Path) -> Result<Option<ClientConfig>, ConfigError> {
        match Self::load_from(home)?.and_then(|user| user.current_client) {
            Some(alias) => ClientConfig::load(&client_in(home, &alias)),
            None => Ok(None),
        }
    }
}

fn client_in(home: &Path, alias: &str) -> PathBuf {
    home.join(format!("clients/{alias}.yaml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    fn home_with(user: &str, client: Option<&str>) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config.yaml"), user).unwrap();
        fs::create_dir(home.path().join("clients")).unwrap();
        if let Some(client) = client {
            fs::write(home.path().join("clients/lab.yaml"), client).unwrap();
        }
        home
    }

    #[test]
    fn what_is_saved_can_be_read() {
        let home = tempfile::tempdir().unwrap();
        for (alias, last_line) in [(Some("lab"), "lab"), (None, "null"), (Some("no"), "'no'")] {
            let user = UserConfig {
                current_client: alias.map(str::to_owned),
            };
            user.save_in(home.path()).unwrap();
            let text = fs::read_to_string(home.path().join("config.yaml")).unwrap();
            let expected = format!(
                "apiVersion: jumpstarter.dev/v1alpha1\nkind: UserConfig\nconfig:\n  \
                 current-client: {last_line}\n"
            );
            assert_eq!(text, expected);
            assert_eq!(UserConfig::load_from(home.path()).unwrap(), Some(user));
        }
    }

    #[test]
    fn no_file_no_client() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(UserConfig::load_from(home.path()).unwrap(), None);
    }

    #[test]
    fn the_current_client_brings_its_drivers() {
        let home = home_with(
            "config: {current-client: lab}",
            Some("metadata: {name: me}\ntoken: t\ndrivers: {allow: 'a.*,b'}"),
        );
        let client = UserConfig::current_in(home.path()).unwrap().unwrap();
        assert!(client.drivers.allow().permits("a.x"));
        assert!(!client.drivers.allow().permits("c"));
    }

    #[test]
    fn a_current_client_without_a_file_is_none() {
        for user in [
            "config: {current_client: gone}",
            "config: {current-client: null}",
            "config: {current-client: ''}",
            "config: {}",
        ] {
            let home = home_with(user, None);
            assert!(
                UserConfig::current_in(home.path()).unwrap().is_none(),
                "{user}"
            );
        }
    }

    #[test]
    fn mistakes_name_file_and_key() {
        for (user, expected) in [
            (
                "kind: Other\nconfig: {}",
                "config.yaml`: kind: `Other` should be `UserConfig`",
            ),
            ("kind: UserConfig", "config.yaml`: missing field `config`"),
        ] {
            let home = home_with(user, None);
            let error = UserConfig::current_in(home.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let home = home_with(
            "config: {current-client: lab}",
            Some("drivers: {allowed: []}"),
        );
        let error = UserConfig::current_in(home.path()).unwrap_err().to_string();
        assert!(error.contains("clients/lab.yaml`: drivers"), "{error}");
        assert!(error.contains("allowed"), "{error}");
    }
}
