//! Arguments and results of calls, as JSON.

use bytes::Bytes;
use serde_json::Value;

pub fn encode(value: &Value) -> Bytes {
    jumpstarter_value::to_vec(value).unwrap().into()
}

pub fn args(values: &[Value]) -> Vec<Bytes> {
    values.iter().map(encode).collect()
}

pub fn decode(bytes: &[u8]) -> Value {
    jumpstarter_value::from_slice(bytes).unwrap()
}
