//! Mistakes in a configuration, all reported at once.

use std::fmt;
use std::path::PathBuf;

/// One mistake, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line in the file; `None` if it is not in a file.
    pub line: Option<usize>,
    /// The dotted path of the value, or the name of an environment variable; empty for the whole file.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Some settings are wrong.
    #[error("{}", show(path.as_ref(), mistakes))]
    Mistakes {
        /// The file, if there is one.
        path: Option<PathBuf>,
        /// In the order of the file.
        mistakes: Vec<Mistake>,
    },
    /// No data folder is configured, and there is no default for this user.
    #[error("no folder for the data; name one with `--data-dir`, or set HOME")]
    NoFolder,
}

fn show(path: Option<&PathBuf>, mistakes: &[Mistake]) -> String {
    let name = match path {
        Some(path) => path.display().to_string(),
        None => "the environment".to_owned(),
    };
    let count = match mistakes.len() {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let mut text = format!("{count} in {name}");
    for mistake in mistakes {
        let line = mistake.line.map(|line| format!("{name}:{line}: "));
        text.push_str(&format!("\n  {}{mistake}", line.unwrap_or_default()));
    }
    text
}

// === impl Mistake ===

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}
