//! What a storage says about its paths and itself, as JSON for programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ui::{Failure, print};

/// What is known about a path.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Metadata {
    content_disposition: Option<String>,
    content_length: u64,
    content_md5: Option<String>,
    content_type: Option<String>,
    etag: Option<String>,
    mode: Mode,
}

/// What kind of thing it is; the wire's names are longer.
#[derive(Debug, Deserialize, Serialize)]
struct Mode {
    #[serde(rename(deserialize = "entry_is_file"))]
    is_file: bool,
    #[serde(rename(deserialize = "entry_is_dir"))]
    is_dir: bool,
}

/// A request that somebody else can make.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Presigned {
    url: String,
    method: String,
    headers: BTreeMap<String, String>,
}

pub(super) fn metadata(metadata: &Metadata) -> Result<(), Failure> {
    json(metadata)
}

pub(super) fn presigned(request: &Presigned) -> Result<(), Failure> {
    json(request)
}

pub(super) fn capability(capability: Value) -> Result<(), Failure> {
    json(&whole(capability))
}

fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    print(&text.map_err(|error| Failure::Error(error.to_string()))?)
}

/// Limits are whole numbers; on the wire every number is a double.
fn whole(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(name, value)| (name, whole(value))).collect()
        }
        Value::Number(number) => match number.as_f64() {
            Some(limit) if limit >= 0.0 && limit.fract() == 0.0 => Value::from(limit as u64),
            _ => Value::Number(number),
        },
        value => value,
    }
}
