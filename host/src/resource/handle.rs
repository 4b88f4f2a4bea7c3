//! Handles: what a client passes to a method, and what it stands for.

use std::collections::BTreeMap;

use jumpstarter_client::Secret;
use serde::Deserialize;
use uuid::Uuid;

use crate::plugin::{CallError, Code};

use super::Encoding;

/// Which way the data of a transfer goes, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The driver reads.
    Read,
    /// The driver writes.
    Write,
    /// The driver did not say.
    Either,
}

/// A handle, read from a method's argument.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Handle {
    /// A stream that the client has opened to this driver.
    ClientStream {
        uuid: String,
        #[serde(default)]
        x_jmp_content_encoding: Option<Encoding>,
    },
    /// A request to a web server that needs no further permission.
    PresignedRequest {
        headers: Secret<BTreeMap<String, String>>,
        url: Secret<String>,
        method: Method,
    },
}

/// What a presigned request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    Get,
    Put,
}

// === impl Method ===

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Put => "PUT",
        })
    }
}

// === impl Handle ===

impl Handle {
    /// Reads an encoded `google.protobuf.Value`.
    pub(super) fn read(value: &[u8]) -> Result<Self, CallError> {
        jumpstarter_value::from_slice(value).map_err(|error| {
            let text = format!(
                "the argument is no resource handle: {error}; pass the JSON object that the client \
                 library makes for a `client_stream` or a `presigned_request`"
            );
            CallError::new(Code::InvalidArgument, text)
        })
    }
}

/// The handle of a client's stream, as the client is told.
pub(super) fn client_stream(uuid: Uuid, encoding: Option<Encoding>) -> String {
    let handle = serde_json::json!({
        "kind": "client_stream",
        "uuid": uuid.to_string(),
        "x_jmp_content_encoding": encoding.map(Encoding::name),
    });
    handle.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: &Value) -> Result<Handle, CallError> {
        Handle::read(&jumpstarter_value::to_vec(value).unwrap())
    }

    #[test]
    fn what_the_client_is_told_is_what_it_may_pass() {
        let uuid = Uuid::new_v4();
        for encoding in [None, Some(Encoding::Zstd)] {
            let text = client_stream(uuid, encoding);
            let Handle::ClientStream {
                uuid: read,
                x_jmp_content_encoding,
            } = read(&serde_json::from_str(&text).unwrap()).unwrap()
            else {
                panic!("another kind");
            };
            assert_eq!(read, uuid.to_string());
            assert_eq!(x_jmp_content_encoding, encoding);
        }
    }

    #[test]
    fn what_is_wrong_with_a_handle_is_said() {
        let cases = [
            (json!(null), "null"),
            (json!("text"), "text"),
            (json!({}), "kind"),
            (json!({"kind": "file"}), "`file`"),
            (json!({"kind": "client_stream"}), "`uuid`"),
            (
                json!({"kind": "client_stream", "uuid": "x", "x_jmp_content_encoding": "rar"}),
                "`rar`",
            ),
            (
                json!({"kind": "presigned_request", "url": "http://h/", "method": "GET"}),
                "`headers`",
            ),
            (
                json!({"kind": "presigned_request", "headers": {}, "url": "http://h/", "method": "POST"}),
                "`POST`",
            ),
        ];
        for (value, word) in cases {
            let error = read(&value).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{value}");
            assert!(error.message.contains(word), "{value}: {error}");
        }
    }

    #[test]
    fn a_signed_url_is_not_shown() {
        let handle = json!({
            "kind": "presigned_request", "method": "GET",
            "url": "http://h/?sig=secret", "headers": {"authorization": "secret"},
        });
        let shown = format!("{:?}", read(&handle).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
