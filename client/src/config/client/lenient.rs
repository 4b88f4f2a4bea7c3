//! Values that YAML readers disagree about: `yes`, `"30"`, `a, b`.
//!
//! Each is told its key, because nobody else can say it any more when something is wrong.

use serde_json::{Map, Value};

/// Globs, as a list or separated by commas.
pub(super) fn list(key: &str, value: Option<Value>) -> Result<Option<Vec<String>>, String> {
    let wrong = |value: &Value| format!("{key}: `{value}` should be a list of texts");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.split(',').map(str::to_owned).collect())),
        Some(Value::Array(items)) => {
            let texts = items.into_iter().map(|item| match item {
                Value::String(text) => Ok(text),
                other => Err(wrong(&other)),
            });
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(other) => Err(wrong(&other)),
    }
}

/// A truth value in any of the words for one.
pub(super) fn flag(key: &str, value: Option<Value>) -> Result<Option<bool>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Bool(flag)) => return Ok(Some(flag)),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    truth(&text)
        .map(Some)
        .ok_or_else(|| format!("{key}: `{text}` is neither true nor false"))
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
pub(super) fn number(key: &str, value: Option<Value>) -> Result<Option<f64>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite());
    number
        .map(Some)
        .ok_or_else(|| format!("{key}: `{text}` is no number of seconds"))
}

/// Channel arguments: texts and whole numbers.
pub(super) fn arguments(key: &str, arguments: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in arguments {
        if !(value.is_string() || value.is_i64() || value.is_u64()) {
            return Err(format!(
                "{key}: `{name}` is neither a text nor a whole number"
            ));
        }
    }
    Ok(())
}
