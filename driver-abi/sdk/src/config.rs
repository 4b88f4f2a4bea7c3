//! The `config` block, from JSON to a driver's own type.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads the block; errors name the key they are about.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    // By way of a tree, so that errors tell no line and column of a text that nobody wrote.
    let tree: serde_json::Value = serde_json::from_str(json).map_err(Error::invalid_argument)?;
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let mut path = error.path().to_string();
        let text = error.inner().to_string();
        // The path ends with the unknown field itself, which the text names, too.
        if text.starts_with("unknown field") {
            path.truncate(path.rfind('.').unwrap_or(0));
        }
        if path.is_empty() || path == "." {
            Error::invalid_argument(text)
        } else {
            Error::invalid_argument(format_args!("{path}: {text}"))
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, dead_code)]

    use serde::Deserialize;

    use super::read;
    use crate::NoConfig;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        label: String,
        #[serde(default)]
        outlets: Vec<Outlet>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outlet {
        volts: f64,
    }

    fn refusal(json: &str) -> String {
        read::<Config>(json).unwrap_err().message().to_owned()
    }

    #[test]
    fn errors_name_the_key() {
        assert_eq!(
            refusal(r#"{"colour": 1}"#),
            "unknown field `colour`, expected `label` or `outlets`"
        );
        assert_eq!(refusal("{}"), "missing field `label`");
        assert_eq!(
            refusal(r#"{"label": 1}"#),
            "label: invalid type: integer `1`, expected a string"
        );
        assert_eq!(
            refusal(r#"{"label": "a", "outlets": [{"volts": 1.0}, {"volt": 1.0}]}"#),
            "outlets[1]: unknown field `volt`, expected `volts`"
        );
    }

    #[test]
    fn no_config_takes_anything() {
        read::<NoConfig>(r#"{"log_level": "INFO", "deep": [{}]}"#).unwrap();
    }
}
