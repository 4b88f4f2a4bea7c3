//! What a driver gets instead of the data.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Stands for data in the arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Handle(Value);

// === impl Handle ===

impl Handle {
    /// What the exporter gave for a stream; it means something to nobody else.
    pub(super) fn of_stream(json: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        value.is_object().then_some(Self(value))
    }

    /// Data that the exporter downloads.
    ///
    /// The URL is passed on as it is, because changing one character of it, `%2B` to `+`, would
    /// break its signature.
    pub fn get(url: &str) -> Self {
        Self::request("GET", url)
    }

    /// A place that the exporter uploads to.
    pub fn put(url: &str) -> Self {
        Self::request("PUT", url)
    }

    fn request(method: &str, url: &str) -> Self {
        Self(json!({
            "kind": "presigned_request",
            "headers": {},
            "url": url,
            "method": method,
        }))
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_url_is_not_touched() {
        let url = "https://h/a%40b?s=%2B+ä";
        assert_eq!(
            serde_json::to_value(Handle::get(url)).unwrap(),
            json!({"kind": "presigned_request", "headers": {}, "url": url, "method": "GET"})
        );
    }

    #[test]
    fn what_is_no_object_is_no_handle() {
        assert_eq!(Handle::of_stream("7"), None);
        assert_eq!(Handle::of_stream("{"), None);
        let odd = r#"{"kind":"tomorrow","extra":[1]}"#;
        let handle = Handle::of_stream(odd).unwrap();
        assert_eq!(serde_json::to_string(&handle).unwrap(), odd);
    }
}
