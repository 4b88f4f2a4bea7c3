//! The Jumpstarter client library.
//!
//! Without default features this is what the exporter and other programs link; feature `cli` adds
//! the command line conventions that all our programs share, feature `commands` the parts behind
//! `jmp` and `j`.

#![deny(missing_docs)]

mod allow;
pub mod backoff;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "commands")]
mod complete;
#[cfg(feature = "commands")]
pub mod config;
pub mod connect;
pub mod device;
pub mod env;
mod host;
#[cfg(feature = "commands")]
pub mod j;
#[cfg(feature = "commands")]
pub mod jmp;
pub mod logs;
pub mod report;
mod secret;
pub mod status;
#[cfg(feature = "commands")]
mod ui;

pub use allow::Allow;
pub use device::{Device, Session};
pub use host::Host;
pub use secret::Secret;
