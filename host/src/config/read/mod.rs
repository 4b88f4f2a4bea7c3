//! Walks the YAML tree and gathers every mistake, instead of stopping at the first.
//!
//! Getters answer with a default after a mistake, so that the walk goes on; the result is thrown
//! away if there was any. What the reference ignores is a warning here, what it refuses a mistake.

mod driver;
mod exporter;
mod fields;
#[cfg(test)]
mod fuzz;
mod hooks;
mod scalar;
mod trail;

pub(super) use exporter::exporter;
pub(super) use fields::{Fields, Unknown};
pub(super) use trail::Trail;

use super::{Mistake, Node, Place, suggest};

/// What the walk has found so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

// === impl Reader ===

impl Reader {
    pub(super) fn mistake(&mut self, place: Place, trail: &Trail<'_>, message: impl Into<String>) {
        let mistake = Mistake::new(place, trail.to_string(), message);
        self.mistakes.push(mistake);
    }

    pub(super) fn warn(&mut self, place: Place, trail: &Trail<'_>, message: impl Into<String>) {
        let warning = Mistake::new(place, trail.to_string(), message);
        self.warnings.push(warning);
    }

    /// `node` is not what was wanted.
    pub(super) fn wrong(&mut self, trail: &Trail<'_>, node: &Node, wanted: &str) {
        let found = trail.describe(node);
        let hint = hint(node, wanted);
        self.mistake(
            node_place(node, trail),
            trail,
            format!("expected {wanted}, found {found}{hint}"),
        );
    }
}

/// Where to point for a node: an absent value has no place of its own, its key has.
fn node_place(node: &Node, trail: &Trail<'_>) -> Place {
    use super::yaml::Value;
    match node.value {
        Value::Null | Value::Map(_) | Value::List(_) if trail.place.line != 0 => trail.place,
        _ => node.place,
    }
}

/// What to type instead, where that is clear.
fn hint(node: &Node, wanted: &str) -> &'static str {
    use super::yaml::Value;
    match &node.value {
        Value::Null if wanted.contains("mapping") => "; leave the key out or write `{}`",
        Value::Text(text)
            if matches!(wanted, "an integer" | "a number") && text.parse::<f64>().is_ok() =>
        {
            "; remove the quotes"
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) if wanted.contains("text") => {
            "; write it in quotes"
        }
        _ => "",
    }
}

/// ``, did you mean `x`?`` if something known is close to `word`.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match suggest::closest(word, known) {
        Some(known) => format!(", did you mean `{known}`?"),
        None => String::new(),
    }
}
