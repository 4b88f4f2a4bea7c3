//! Write a Jumpstarter driver: plain async Rust in, one `.so` out.
//!
//! ```
//! use jumpstarter_driver::{Context, Driver, Result, Schema, driver, plugin};
//! use serde::Deserialize;
//!
//! /// An outlet of a power strip.
//! pub struct Outlet {
//!     address: String,
//! }
//!
//! #[derive(Deserialize, Schema)]
//! #[serde(deny_unknown_fields)]
//! pub struct Config {
//!     /// Host name and port of the strip.
//!     address: String,
//! }
//!
//! impl Driver for Outlet {
//!     type Config = Config;
//!
//!     async fn open(config: Config, _cx: Context) -> Result<Self> {
//!         Ok(Self { address: config.address })
//!     }
//! }
//!
//! /// An outlet of an Acme power strip.
//! #[driver(
//!     type = "acme_strip.driver.Outlet",
//!     client = "jumpstarter_driver_power.client.PowerClient",
//!     category = "power"
//! )]
//! impl Outlet {
//!     /// Switches the outlet on.
//!     #[export]
//!     async fn on(&self) -> Result<()> {
//!         let strip = tokio::net::TcpStream::connect(&self.address).await?;
//!         // ...
//!         # drop(strip);
//!         tracing::info!("power on");
//!         Ok(())
//!     }
//! }
//!
//! plugin! { name: "acme_strip", drivers: [Outlet] }
//!
//! # fn main() {
//! // And a test, without an exporter:
//! let host = jumpstarter_driver::test::Host::new();
//! let outlet = host.open::<Outlet>(serde_json::json!({"address": "127.0.0.1:1"})).unwrap();
//! let error = outlet.call::<()>("on", ()).unwrap_err();
//! assert_eq!(error.code(), jumpstarter_driver::Code::Unavailable);
//! # }
//! ```
//!
//! The README of this crate goes through it step by step. See [`driver`] for what methods may look
//! like, [`Driver`] for their life, [`Context`] for what the exporter does for a driver, and
//! [`mod@test`] for testing.
//!
//! A plugin shares its process with the exporter and with other plugins: it must not change what
//! belongs to all of them (signal handlers, environment variables, the working directory).

#![deny(missing_docs)]
#![deny(unsafe_code)]

extern crate self as jumpstarter_driver;

mod args;
mod arguments;
mod bytes;
mod child;
mod class;
mod config;
mod context;
mod driver;
mod dynamic;
#[allow(unsafe_code)]
mod entry;
mod error;
mod feed;
#[allow(unsafe_code)]
mod host;
#[allow(unsafe_code)]
mod image;
mod job;
mod json;
mod log;
mod panics;
#[allow(unsafe_code)]
mod plugin;
mod resource;
mod schema;
mod scope;
mod sockets;
pub mod test;
mod time;
mod wait;

pub use arguments::Arguments;
pub use bytes::{
    ByteReader, ByteStream, ByteWriter, MessageReader, MessageStream, MessageWriter, Talk,
};
pub use child::Child;
pub use class::Exports;
pub use context::{ChildInfo, Context};
pub use driver::{Description, Driver, NoConfig, SubDriver};
pub use dynamic::DynamicMethod;
pub use error::{Code, Error, Result};
pub use futures_util::Stream;
pub use job::Outcome;
pub use json::Json;
pub use jumpstarter_driver_macros::{Schema, driver};
pub use resource::{BlockingReader, BlockingWriter, Resource, ResourceReader, ResourceWriter};
pub use schema::Schema;

/// What the macros write down; not for people.
#[doc(hidden)]
pub mod __private {
    pub use abi_stable::library::{CheckTypeLayout, LibHeader, RootModuleResult};
    pub use jumpstarter_driver_abi::{DriverModuleRef, Functions, Host, Plugin};

    pub use crate::args::Args;
    pub use crate::class::{Class, Method, Start};
    pub use crate::entry::functions;
    pub use crate::feed::{Feed, Items};
    pub use crate::image::{PluginInfo, init};
    pub use crate::job::{BytesJob, CallJob, StreamJob};
    pub use crate::plugin::{BUILD, root_module};
}

// The code in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
