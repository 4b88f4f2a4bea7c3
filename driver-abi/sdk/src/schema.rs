//! What a type looks like as JSON, known at compile time.
//!
//! The schemas of configuration, parameters and results stand in the plugin's metadata. The
//! exporter checks a configuration against them before the driver runs, and `j` makes commands out
//! of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::Json;

/// A type with a [JSON Schema](https://json-schema.org). Derive it for structs and for enums
/// without content:
///
/// ```
/// # use jumpstarter_driver::Schema;
/// /// How to reach the supply.
/// #[derive(serde::Deserialize, Schema)]
/// #[serde(deny_unknown_fields)]
/// struct Config {
///     /// Serial port, for example `/dev/ttyUSB0`.
///     port: String,
///     #[serde(default = "fast")]
///     #[schema(default = 115200)]
///     baudrate: u32,
/// }
/// # fn fast() -> u32 { 115200 }
/// assert!(Config::SCHEMA.to_string().contains(r#""required":["port"]"#));
/// ```
///
/// Doc comments of fields become descriptions. The serde attributes `rename`, `rename_all`, `alias`,
/// `default`, `skip`, `transparent` and `deny_unknown_fields` are understood.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no JSON Schema",
    label = "needs `Schema`",
    note = "derive it with `#[derive(jumpstarter_driver::Schema)]`, or take a `serde_json::Value`"
)]
pub trait Schema {
    /// The schema: a JSON object.
    const SCHEMA: Json;

    /// Whether a caller may leave the value out.
    const OPTIONAL: bool = false;

    /// The schema of a value that was not left out.
    const PRESENT: Json = Self::SCHEMA;
}

macro_rules! schema {
    ($($type:ty)* => $schema:literal) => {$(
        impl Schema for $type {
            const SCHEMA: Json = Json::Raw($schema);
        }
    )*};
}

schema! { bool => r#"{"type":"boolean"}"# }
schema! { f32 f64 => r#"{"type":"number"}"# }
schema! { String &str PathBuf IpAddr Ipv4Addr Ipv6Addr SocketAddr => r#"{"type":"string"}"# }
schema! { char => r#"{"type":"string","minLength":1,"maxLength":1}"# }
schema! { i64 i128 isize => r#"{"type":"integer"}"# }
schema! { u64 u128 usize => r#"{"type":"integer","minimum":0}"# }
schema! { i8 => r#"{"type":"integer","minimum":-128,"maximum":127}"# }
schema! { i16 => r#"{"type":"integer","minimum":-32768,"maximum":32767}"# }
schema! { i32 => r#"{"type":"integer","minimum":-2147483648,"maximum":2147483647}"# }
schema! { u8 => r#"{"type":"integer","minimum":0,"maximum":255}"# }
schema! { u16 => r#"{"type":"integer","minimum":0,"maximum":65535}"# }
schema! { u32 => r#"{"type":"integer","minimum":0,"maximum":4294967295}"# }
schema! { serde_json::Map<String, serde_json::Value> => r#"{"type":"object"}"# }

impl Schema for () {
    const SCHEMA: Json = Json::Raw(r#"{"type":"null"}"#);
    const OPTIONAL: bool = true;
}

impl Schema for serde_json::Value {
    const SCHEMA: Json = Json::Raw("{}");
}

impl<T: Schema> Schema for Option<T> {
    const SCHEMA: Json = Json::Join(&[
        Json::Raw(r#"{"anyOf":["#),
        T::SCHEMA,
        Json::Raw(r#",{"type":"null"}]}"#),
    ]);
    const OPTIONAL: bool = true;
    const PRESENT: Json = T::PRESENT;
}

impl<T: Schema> Schema for Box<T> {
    const SCHEMA: Json = T::SCHEMA;
    const OPTIONAL: bool = T::OPTIONAL;
    const PRESENT: Json = T::PRESENT;
}

macro_rules! lists {
    ($($list:ident)*) => {$(
        impl<T: Schema> Schema for $list<T> {
            const SCHEMA: Json = Json::Join(&[
                Json::Raw(r#"{"type":"array","items":"#),
                T::SCHEMA,
                Json::Raw("}"),
            ]);
        }
    )*};
}

lists! { Vec HashSet BTreeSet }

macro_rules! maps {
    ($($map:ident)*) => {$(
        impl<T: Schema> Schema for $map<String, T> {
            const SCHEMA: Json = Json::Join(&[
                Json::Raw(r#"{"type":"object","additionalProperties":"#),
                T::SCHEMA,
                Json::Raw("}"),
            ]);
        }
    )*};
}

maps! { HashMap BTreeMap }

macro_rules! tuples {
    ($($len:literal: $first:ident $($rest:ident)*,)*) => {$(
        impl<$first: Schema, $($rest: Schema),*> Schema for ($first, $($rest,)*) {
            const SCHEMA: Json = Json::Join(&[
                Json::Raw(r#"{"type":"array","prefixItems":["#),
                $first::SCHEMA,
                $(Json::Raw(","), $rest::SCHEMA,)*
                Json::Raw(concat!(r#"],"minItems":"#, $len, r#","maxItems":"#, $len, "}")),
            ]);
        }
    )*};
}

tuples! { 1: A, 2: A B, 3: A B C, 4: A B C D, }

#[cfg(test)]
mod tests;
