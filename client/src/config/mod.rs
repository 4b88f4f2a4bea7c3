//! Where users keep their settings, and what is in them.
//!
//! ```text
//! ~/.config/jumpstarter/           or $JMP_CLIENT_CONFIG_HOME, $XDG_CONFIG_HOME/jumpstarter
//! ├── config.yaml                  which client is the current one
//! ├── clients/<alias>.yaml         beside it an empty .<alias>.yaml.refresh, for taking turns
//! └── exporters/<alias>.yaml       before /etc/jumpstarter/exporters/<alias>.yaml
//! ```

mod client;
mod edit;
mod error;
mod exporter;
mod lock;
#[cfg(feature = "commands")]
mod turn;
mod user;
mod write;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::env;

pub use client::{ClientConfig, ClientError, Drivers, Leases, TlsSettings};
pub use error::ConfigError;
pub use exporter::{ExporterConfig, ExporterPaths, check_exporter_alias, find_exporter};
pub(crate) use lock::Lock;
#[cfg(feature = "commands")]
pub(crate) use turn::Turn;
pub use user::UserConfig;

/// The value of `apiVersion` in every file.
pub const API_VERSION: &str = "jumpstarter.dev/v1alpha1";

/// The folder with a user's settings.
///
/// # Errors
///
/// When no variable says where it is.
pub fn home() -> Result<PathBuf, ConfigError> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(home) = folder(env::CONFIG_HOME) {
        return Ok(PathBuf::from(home));
    }
    if let Some(base) = folder("XDG_CONFIG_HOME") {
        return Ok(Path::new(&base).join("jumpstarter"));
    }
    match std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
        Some(home) => Ok(home.join(".config/jumpstarter")),
        None => Err(ConfigError::Nowhere),
    }
}

/// Reads a file, if it is there.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    match serde_yaml::from_str(&text) {
        Ok(config) => Ok(Some(config)),
        Err(error) => Err(ConfigError::Invalid {
            path: path.to_owned(),
            why: error.to_string(),
        }),
    }
}

/// What a file is called by users: its name up to the first dot.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Whether a file can be called this without leading out of its folder.
fn is_name(alias: &str) -> bool {
    !matches!(alias, "" | "." | "..") && !alias.contains(['/', '\\'])
}

/// The `.yaml` files of a folder, in alphabetical order; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|it| it == "yaml") && !hidden {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Checks a field that has one right value.
fn expect(path: &Path, key: &str, value: &str, right: &str) -> Result<(), ConfigError> {
    if value == right {
        Ok(())
    } else {
        Err(ConfigError::Invalid {
            path: path.to_owned(),
            why: format!("{key}: `{value}` should be `{right}`"),
        })
    }
}
