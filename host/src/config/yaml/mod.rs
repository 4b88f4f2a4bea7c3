//! YAML as PyYAML reads it, with positions.
//!
//! ```text
//!   text --granit-parser--> events with spans --Builder--> Node { value, place, style }
//! ```
//!
//! serde stops at the first mistake and forgets where things were, so configurations are read into
//! this tree and walked by [`read`](super::read).

mod build;
mod node;
mod scalar;
mod tag;
#[cfg(test)]
mod tests;

use granit_parser::Parser;

pub use node::{Member, Node, Style, Value};

use crate::config::{Mistake, Place};

/// Nesting that no configuration needs; keeps every walk over the tree off the end of the stack.
const MAX_DEPTH: usize = 100;
/// How many nodes aliases and merge keys may copy: a few lines of them can ask for billions.
const MAX_COPIES: usize = 200_000;

/// A document, and what it may not mean as it was meant.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) warnings: Vec<Mistake>,
}

/// Reads a text that holds one document. An empty text is null.
pub(crate) fn parse(text: &str) -> Result<Document, Mistake> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut builder = build::Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.finish())
}

/// Whether a plain scalar would be read as text.
pub(crate) fn is_text(text: &str) -> bool {
    scalar::resolve(text) == scalar::Plain::Text
}

fn syntax(error: &granit_parser::ScanError) -> Mistake {
    let marker = error.marker();
    let place = Place {
        line: u32::try_from(marker.line()).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
        width: 1,
    };
    Mistake::new(place, "", format!("this is not YAML: {}", error.info()))
}
