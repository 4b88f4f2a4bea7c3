//! Why a tree did not open.

use std::fmt;

use crate::config::{Mistakes, Place, Source};

/// Why a tree did not open: all the reasons there are.
#[derive(Debug, thiserror::Error)]
pub enum TreeErrors {
    /// The configuration asks for what no plugin has, or in the wrong way. Nothing was opened.
    #[error(transparent)]
    Config(#[from] Mistakes),
    /// Drivers did not open.
    #[error("{}", Lines(.0))]
    Open(Vec<Failure>),
}

/// One driver that did not open.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The configuration.
    pub source: Source,
    /// Where the driver is written.
    pub at: Place,
    /// Its dotted path.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            at,
            name,
            type_name,
            message,
        } = self;
        write!(
            f,
            "{}: driver `{name}` ({type_name}): {message}",
            source.locate(*at)
        )
    }
}

/// A line per failure.
struct Lines<'a>(&'a [Failure]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > 1 {
            writeln!(f, "{} drivers did not open", self.0.len())?;
        }
        for (index, failure) in self.0.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{failure}")?;
        }
        Ok(())
    }
}
