//! What clients send and get, in the shapes they know.

use std::collections::BTreeMap;

use jumpstarter_driver::{Json, Schema};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// An open file, as `open` has named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fd(pub(crate) Uuid);

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Schema)]
pub(crate) enum Mode {
    #[serde(rename = "rb")]
    Read,
    #[serde(rename = "wb")]
    Write,
}

/// How a file is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Schema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algo {
    Md5,
    Sha256,
}

/// What a storage knows about a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(crate) struct Metadata {
    pub(crate) content_disposition: Option<String>,
    /// Bytes.
    pub(crate) content_length: u64,
    pub(crate) content_md5: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) mode: EntryMode,
}

/// What a path leads to. Both are false for what is neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(crate) struct EntryMode {
    pub(crate) entry_is_file: bool,
    pub(crate) entry_is_dir: bool,
}

/// A request that whoever has it can make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(crate) struct Presigned {
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) headers: BTreeMap<String, String>,
}

// === impl Fd ===

impl<'de> Deserialize<'de> for Fd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let uuid = Uuid::parse_str(&text).map_err(|error| {
            serde::de::Error::custom(format_args!("`{text}` is not a UUID: {error}"))
        })?;
        Ok(Self(uuid))
    }
}

impl Schema for Fd {
    const SCHEMA: Json = Json::Raw(r#"{"type":"string","format":"uuid"}"#);
}

// === impl Metadata ===

impl Metadata {
    /// Of a path in a directory.
    pub(crate) fn local(content_length: u64, entry_is_file: bool, entry_is_dir: bool) -> Self {
        Self {
            content_disposition: None,
            content_length,
            content_md5: None,
            content_type: None,
            etag: None,
            mode: EntryMode {
                entry_is_file,
                entry_is_dir,
            },
        }
    }
}

impl From<opendal::Metadata> for Metadata {
    fn from(metadata: opendal::Metadata) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            content_disposition: text(metadata.content_disposition()),
            content_length: metadata.content_length(),
            content_md5: text(metadata.content_md5()),
            content_type: text(metadata.content_type()),
            etag: text(metadata.etag()),
            mode: EntryMode {
                entry_is_file: metadata.mode().is_file(),
                entry_is_dir: metadata.mode().is_dir(),
            },
        }
    }
}

// === impl Presigned ===

impl From<opendal::raw::PresignedRequest> for Presigned {
    fn from(request: opendal::raw::PresignedRequest) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let header = request.header().iter();
        Self {
            url: request.uri().to_string(),
            method: request.method().to_string(),
            headers: header
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
        }
    }
}
