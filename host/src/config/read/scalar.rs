//! Texts, booleans and integers, as lenient as the reference and no more.

use super::{Reader, Trail, did_you_mean};
use crate::config::{Node, yaml::Value};

// === impl Reader ===

impl Reader {
    pub(super) fn text(&mut self, trail: &Trail<'_>, node: &Node) -> String {
        match &node.value {
            Value::Text(text) => text.clone(),
            _ => {
                self.wrong(trail, node, "a text");
                String::new()
            }
        }
    }

    pub(super) fn text_or_null(&mut self, trail: &Trail<'_>, node: &Node) -> Option<String> {
        match &node.value {
            Value::Null => None,
            _ => Some(self.text(trail, node)),
        }
    }

    pub(super) fn boolean(&mut self, trail: &Trail<'_>, node: &Node) -> bool {
        let value = match &node.value {
            Value::Bool(value) => Some(*value),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            Value::Float(value) if *value == 0.0 => Some(false),
            Value::Float(value) if *value == 1.0 => Some(true),
            Value::Text(text) => match text.to_lowercase().as_str() {
                "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
                "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        value.unwrap_or_else(|| {
            self.wrong(trail, node, "true or false");
            false
        })
    }

    pub(super) fn integer(&mut self, trail: &Trail<'_>, node: &Node) -> i64 {
        integer(node).unwrap_or_else(|| {
            self.wrong(trail, node, "an integer");
            0
        })
    }

    /// One of a set of texts.
    pub(super) fn choice<T: Copy>(
        &mut self,
        trail: &Trail<'_>,
        node: &Node,
        names: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(trail, node);
        if let Some((_, value)) = names.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        if matches!(node.value, Value::Text(_)) {
            let all: Vec<String> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
            let meant = did_you_mean(&text, names.iter().map(|(name, _)| *name));
            let message = format!("{text:?} is not one of {}{meant}", all.join(", "));
            self.mistake(node.place, trail, message);
        }
        None
    }
}

/// Integers, booleans, integral numbers, and texts of any of the first and last.
pub(super) fn integer(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Int(value) => i64::try_from(*value).ok(),
        Value::Float(value) => integral(*value),
        Value::Text(text) => {
            let text = text.trim();
            let whole = match text.split_once('.') {
                Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
                Some(_) => return None,
                None => text,
            };
            let odd = whole.starts_with('_') || whole.ends_with('_') || whole.contains("__");
            (!odd)
                .then(|| whole.replace('_', "").parse().ok())
                .flatten()
        }
        _ => None,
    }
}

fn integral(value: f64) -> Option<i64> {
    // Beyond 2^53 a double does not say which integer was meant.
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}
