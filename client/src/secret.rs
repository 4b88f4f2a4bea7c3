//! A value that must not reach a log, an error text or a bug report.
//!
//! Tokens and passphrases travel through structs that derive `Debug` and through errors that are
//! printed. [`Secret`] makes the safe thing the default one: whoever needs the value says
//! [`expose`](Secret::expose), and that word can be searched for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value whose `Debug` and `Display` print `[redacted]`.
///
/// ```
/// use jumpstarter_client::Secret;
///
/// let token = Secret::new(String::from("eyJhbGciOi"));
/// assert_eq!(format!("{token:?}"), "[redacted]");
/// assert_eq!(token.expose(), "eyJhbGciOi");
/// ```
#[derive(Clone, Default)]
pub struct Secret<T>(T);

// === impl Secret ===

impl<T> Secret<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that sends or compares it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value up.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// Serializes the value itself: configuration files are written through serde, logs are not.
impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Holder {
        #[allow(dead_code)]
        token: Option<Secret<String>>,
    }

    #[test]
    fn nothing_printed_contains_the_value() {
        let holder = Holder {
            token: Some(Secret::new("hunter2".to_owned())),
        };
        assert_eq!(format!("{holder:?}"), "Holder { token: Some([redacted]) }");
        assert_eq!(Secret::from("hunter2").to_string(), "[redacted]");
    }

    #[test]
    fn serde_sees_the_value() {
        let secret: Secret<String> = read("hunter2");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(secret.into_exposed(), "hunter2");
    }

    fn read(text: &str) -> Secret<String> {
        use serde::de::IntoDeserializer;
        let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            text.into_deserializer();
        match Secret::deserialize(deserializer) {
            Ok(secret) => secret,
            Err(error) => panic!("{error}"),
        }
    }
}
