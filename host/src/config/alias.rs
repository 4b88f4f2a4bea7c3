//! Names of configurations and the folders they are in.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::save;

/// An alias that cannot be one: it would leave the folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid exporter alias '{0}': must not contain path separators or be '.' / '..'")]
pub struct AliasError(pub String);

/// Why a configuration could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// Not a name.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// It belongs to the machine, not to the user.
    #[error(
        "Exporter config '{alias}' exists only in the system location '{}' and cannot be deleted.",
        path.display()
    )]
    System {
        /// The alias.
        alias: String,
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot delete {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where configurations with an alias are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    /// The user's folder: read first, and the only one written to.
    pub user: PathBuf,
    /// The machine's folder.
    pub system: PathBuf,
}

// === impl Locations ===

impl Locations {
    /// The folders of this process's user.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let base = match variable("JMP_CLIENT_CONFIG_HOME") {
            Some(home) => PathBuf::from(home),
            None => variable("XDG_CONFIG_HOME")
                .map(PathBuf::from)
                .unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".config"))
                .join("jumpstarter"),
        };
        Self {
            user: base.join("exporters"),
            system: PathBuf::from("/etc/jumpstarter/exporters"),
        }
    }

    /// The file of an alias; where a new one would be if there is none.
    pub fn find(&self, alias: &str) -> Result<PathBuf, AliasError> {
        let (user, system) = self.files(alias)?;
        Ok(if !user.exists() && system.exists() {
            system
        } else {
            user
        })
    }

    /// Every alias and its file, in alphabetical order; the user's file hides the machine's.
    pub fn list(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let mut found = BTreeMap::new();
        for folder in [&self.system, &self.user] {
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                if let Some(alias) = name.and_then(|name| name.strip_suffix(".yaml")) {
                    found.insert(alias.to_owned(), path.clone());
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Writes a configuration to the user's folder, readable by the user alone.
    pub fn save(
        &self,
        alias: &str,
        config: &super::ExporterConfig,
    ) -> Result<PathBuf, save::SaveError> {
        let (path, _) = self.files(alias)?;
        save::save(&path, config)?;
        Ok(path)
    }

    /// Deletes the user's file of an alias, if there is one.
    pub fn delete(&self, alias: &str) -> Result<(), DeleteError> {
        let (user, system) = self.files(alias)?;
        match fs::remove_file(&user) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match system.exists() {
                true => Err(DeleteError::System {
                    alias: alias.to_owned(),
                    path: system,
                }),
                false => Ok(()),
            },
            Err(source) => Err(DeleteError::Io { path: user, source }),
        }
    }

    fn files(&self, alias: &str) -> Result<(PathBuf, PathBuf), AliasError> {
        check(alias)?;
        let file = |folder: &Path| folder.join(format!("{alias}.yaml"));
        Ok((file(&self.user), file(&self.system)))
    }
}

/// Refuses what would name a file elsewhere.
pub fn check(alias: &str) -> Result<(), AliasError> {
    if alias.is_empty() || matches!(alias, "." | "..") || alias.contains(['/', '\\', '\0']) {
        return Err(AliasError(alias.to_owned()));
    }
    Ok(())
}
