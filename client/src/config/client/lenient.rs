//! Values that YAML readers disagree about: `yes`, `"30"`, `a, b`.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// Globs, as a list or separated by commas.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Items(Vec<String>),
    Text(String),
}

pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Option::<List>::deserialize(from)? {
        None => None,
        Some(List::Items(items)) => Some(items),
        Some(List::Text(text)) => Some(text.split(',').map(str::to_owned).collect()),
    })
}

/// A truth value in any of the words for one.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(flag)),
        other => {
            let text = match other {
                Value::String(text) => text,
                other => other.to_string(),
            };
            truth(&text)
                .map(Some)
                .ok_or_else(|| de::Error::custom(format!("`{text}` is neither true nor false")))
        }
    }
}

/// What a word says about truth, if anything.
pub(super) fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "on" | "t" | "true" | "y" | "yes" => Some(true),
        "0" | "0.0" | "off" | "f" | "false" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// A number, perhaps in quotes.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite());
    number
        .map(Some)
        .ok_or_else(|| de::Error::custom(format!("`{text}` is no number of seconds")))
}

/// Channel arguments: texts and whole numbers.
pub(super) fn arguments<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    let arguments = Option::<Map<String, Value>>::deserialize(from)?;
    for (name, value) in arguments.iter().flatten() {
        if !(value.is_string() || value.is_i64() || value.is_u64()) {
            let why = format!("`{name}` is neither a text nor a whole number");
            return Err(de::Error::custom(why));
        }
    }
    Ok(arguments)
}
