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
