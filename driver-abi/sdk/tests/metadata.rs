//! The metadata of a plugin, as text in an exported symbol.

#![allow(missing_docs, dead_code)]

use std::collections::HashMap;

use jumpstarter_driver::{
    ByteStream, Context, Driver, Exports, Resource, Result, Schema, Stream, driver, plugin,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

struct Strip;

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Name "or" address.
    host: String,
    port: Option<u16>,
}

#[derive(Serialize, Schema)]
struct Outlet {
    on: bool,
}

impl Driver for Strip {
    type Config = Config;

    async fn open(_: Config, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

/// A "power strip".
///
/// * with \backslashes\
#[driver(
    type = "acme.driver.Strip",
    type = "acme.Strip",
    client = "acme.client.StripClient",
    category = "power"
)]
impl Strip {
    /// Sets outlets
    ///
    /// All at once.
    #[export]
    async fn set(&self, outlets: HashMap<String, bool>, wait: Option<f64>) -> Result<Vec<Outlet>> {
        drop((outlets, wait));
        Ok(Vec::new())
    }

    #[export(stream, name = "watch-all")]
    fn watch(&self, image: Resource) -> impl Stream<Item = Result<Outlet>> {
        drop(image);
        futures_util::stream::empty()
    }

    #[export(bytes)]
    async fn connect(&self, speed: u32, io: ByteStream) -> Result<()> {
        drop((speed, io));
        Ok(())
    }
}

plugin! {
    name: "acme",
    vendor: "Acme \"Power\" Corp.",
    license: "MIT",
    drivers: [Strip],
}

unsafe extern "C" {
    // As a host finds it, by its name.
    static jmp_plugin_meta: std::ffi::c_char;
}

fn metadata() -> Value {
    // SAFETY: the symbol is defined above: text that ends with NUL.
    let text = unsafe { std::ffi::CStr::from_ptr(&raw const jmp_plugin_meta) };
    serde_json::from_slice(text.to_bytes()).expect("JSON")
}

#[test]
fn the_plugin_tells_what_it_is() {
    let metadata = metadata();
    assert_eq!(metadata["jmp_abi"], "1.0");
    assert_eq!(metadata["abi_hash"], jumpstarter_driver_abi::ABI_HASH);
    assert_eq!(metadata["kind"], "rust");
    assert_eq!(metadata["name"], "acme");
    assert_eq!(metadata["vendor"], "Acme \"Power\" Corp.");
    assert_eq!(metadata["license"], "MIT");
    assert_eq!(metadata["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(metadata["panic"], "unwind");
    assert_eq!(metadata["blocking"], false);
    for key in ["sdk", "rustc", "target", "description"] {
        let text = metadata[key].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{key}");
    }
    assert!(
        metadata["rustc"]
            .as_str()
            .is_some_and(|v| v.starts_with("1."))
    );
}

#[test]
fn the_plugin_tells_what_its_drivers_do() {
    let outlet = json!({
        "type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"],
    });
    let port = json!({"type": "integer", "minimum": 0, "maximum": 65535});
    let speed = json!({"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32});
    let image = json!({"type": "object", "format": "jumpstarter-resource"});
    assert_eq!(
        metadata()["drivers"],
        json!([{
            "type": ["acme.driver.Strip", "acme.Strip"],
            "client": "acme.client.StripClient",
            "category": "power",
            "doc": "A \"power strip\".\n\n* with \\backslashes\\",
            "config": {
                "type": "object",
                "properties": {
                    "host": {"type": "string", "description": "Name \"or\" address."},
                    "port": {"anyOf": [port, {"type": "null"}]},
                },
                "required": ["host"],
                "additionalProperties": false,
            },
            "methods": [
                {
                    "name": "set", "kind": "call", "doc": "Sets outlets\n\nAll at once.",
                    "params": [
                        {"name": "outlets", "schema": {
                            "type": "object", "additionalProperties": {"type": "boolean"},
                        }},
                        {"name": "wait", "schema": {"type": "number"}, "optional": true},
                    ],
                    "result": {"type": "array", "items": outlet},
                },
                {
                    "name": "watch-all", "kind": "stream",
                    "params": [{"name": "image", "schema": image}],
                    "result": outlet,
                },
                {
                    "name": "connect", "kind": "bytes",
                    "params": [{"name": "speed", "schema": speed}],
                },
            ],
        }])
    );
    assert_eq!(Strip::TYPES, ["acme.driver.Strip", "acme.Strip"]);
}
