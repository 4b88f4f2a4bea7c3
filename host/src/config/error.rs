//! Mistakes in a configuration, all of them at once, shown as a compiler shows them.
//!
//! ```text
//! 2 mistakes in lab.yaml
//!
//! lab.yaml:9:5: export.power.tpye: unknown key, did you mean `type`?
//!   |
//! 9 |     tpye: jumpstarter_driver_power.driver.MockPower
//!   |     ^^^^
//! ```

use std::{fmt, path::PathBuf};

use super::{AliasError, Place, Source};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigErrors {
    /// The alias is not a name that a configuration can have.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// The file cannot be read. Worded as the reference words it.
    #[error("[Errno {errno}] {reason}: '{}'", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        errno: i32,
        /// The same in words.
        reason: &'static str,
    },
    /// The file is not text.
    #[error("'{}' is not UTF-8: the first bad byte is in line {line}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Line of the first bad byte.
        line: usize,
    },
    /// The file says something that makes no sense.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

/// Everything that is wrong with one file.
#[derive(Debug)]
pub struct Mistakes {
    /// The file.
    pub source: Source,
    /// What is wrong with it, in the order of the file.
    pub list: Vec<Mistake>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is written.
    pub place: Place,
    /// Dotted path of the value, for example `export.power.config.port`; empty for the whole file.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

// === impl Mistake ===

impl Mistake {
    /// A mistake at a place.
    pub fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place,
            path: path.into(),
            message: message.into(),
        }
    }

    /// The block shown to the user: position, message, the line and a caret. `kind` is empty or
    /// for example `warning: `.
    pub fn show(&self, source: &Source, kind: &str) -> String {
        let Self {
            place,
            path,
            message,
        } = self;
        let colon = if path.is_empty() { "" } else { ": " };
        let head = format!("{}: {kind}{path}{colon}{message}", source.locate(*place));
        let Some(line) = source.line(place.line) else {
            return head;
        };
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let before = (place.column as usize).saturating_sub(1);
        // Tabs stay tabs, so that the caret stands under what it means.
        let indent: String = line
            .chars()
            .chain(std::iter::repeat(' '))
            .take(before)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let rest = line.chars().count().saturating_sub(before);
        let carets = "^".repeat((place.width as usize).clamp(1, rest.max(1)));
        let line = hide_secret(line);
        format!("{head}\n{margin} |\n{number} | {line}\n{margin} | {indent}{carets}")
    }
}

// === impl Mistakes ===

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "{count} {noun} in {}", self.source.file().display())?;
        for mistake in &self.list {
            write!(f, "\n\n{}", mistake.show(&self.source, ""))?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Whether a key holds something that must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "password", "passphrase", "secret"]
        .iter()
        .any(|word| key.ends_with(word))
}

/// Replaces what follows a key such as `token:`.
fn hide_secret(line: &str) -> String {
    for (colon, _) in line.match_indices(':') {
        let key = line[..colon].trim_end_matches(['"', '\'', ' ']);
        let value = &line[colon + 1..];
        if is_secret(key) && !value.trim().is_empty() {
            return format!("{}: [redacted]", &line[..colon]);
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_mistake_is_shown_with_its_line_and_a_caret() {
        let source = Source::new(Path::new("lab.yaml"), "a: 1\nb:\n\tpower: 5\n");
        let place = Place {
            line: 3,
            column: 2,
            width: 5,
        };
        let list = vec![Mistake::new(place, "b.power", "expected a mapping")];
        let text = Mistakes { source, list }.to_string();
        assert_eq!(
            text,
            "1 mistake in lab.yaml\n\nlab.yaml:3:2: b.power: expected a mapping\n  |\n3 | \tpower: 5\n  | \t^^^^^"
        );
    }

    #[test]
    fn a_place_outside_the_text_does_no_harm() {
        let source = Source::new(Path::new("x"), "é");
        for place in [
            Place {
                line: 1,
                column: 900,
                width: 9,
            },
            Place {
                line: 9,
                column: 1,
                width: 1,
            },
            Place {
                line: 0,
                column: 0,
                width: 0,
            },
            Place {
                line: 1,
                column: 0,
                width: u32::MAX,
            },
        ] {
            assert!(
                Mistake::new(place, "", "m")
                    .show(&source, "")
                    .contains(": m")
            );
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        assert_eq!(
            hide_secret("  \"token\" : abc.def"),
            "  \"token\" : [redacted]"
        );
        assert_eq!(
            hide_secret("{a: b, api_token: x}"),
            "{a: b, api_token: [redacted]"
        );
        assert_eq!(hide_secret("token:"), "token:");
        assert_eq!(hide_secret("tokens: 5"), "tokens: 5");
    }
}
