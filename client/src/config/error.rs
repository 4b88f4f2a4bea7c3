//! Why settings cannot be used.

use std::path::PathBuf;

use thiserror::Error;

/// Why settings cannot be used, with the file and the key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no home folder to look in.
    #[error("neither HOME nor JMP_CLIENT_CONFIG_HOME is set, so there is no configuration folder")]
    Nowhere,
    /// An alias that would lead out of the configuration folder.
    #[error("Invalid exporter alias '{0}': must not contain path separators or be '.' / '..'")]
    Alias(String),
    /// The same for clients.
    #[error("Invalid client alias '{0}': must not contain path separators or be '.' / '..'")]
    ClientAlias(String),
    /// A variable makes no sense.
    #[error("{0}")]
    Environment(String),
    /// There is no such file.
    #[error("{kind} config '{}' does not exist.", path.display())]
    Missing {
        /// `Client` or `Exporter`.
        kind: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is in it makes no sense.
    #[error("`{}`: {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, and what is wrong with it.
        why: String,
    },
}
