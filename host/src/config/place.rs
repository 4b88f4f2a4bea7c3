//! Where something was written, so that a mistake can be shown as a compiler shows it.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A stretch of one line of a file; lines and columns count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, or 0 for the file as a whole.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
    /// How many characters it takes on its first line.
    pub width: u32,
}

/// The file that a configuration came from. Cheap to clone.
#[derive(Clone, Default)]
pub struct Source {
    file: Arc<PathBuf>,
    text: Arc<str>,
}

// === impl Source ===

impl Source {
    /// A file and what it contains.
    pub fn new(file: &Path, text: &str) -> Self {
        Self {
            file: Arc::new(file.to_owned()),
            text: text.into(),
        }
    }

    /// The file, as the user named it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line `number`, counted from 1, without its line break.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.text.lines().nth(index)
    }

    /// `file:line:column`, what editors and terminals make clickable.
    pub fn locate(&self, place: Place) -> String {
        let file = self.file.display();
        match place.line {
            0 => file.to_string(),
            line => format!("{file}:{line}:{}", place.column),
        }
    }
}

// The text holds the token: never print it by accident.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.file).finish()
    }
}
