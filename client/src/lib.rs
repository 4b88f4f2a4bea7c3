//! The Jumpstarter client library.
//!
//! Without default features this is what the exporter and other programs link; feature `cli` adds
//! the command line conventions that all our programs share, feature `commands` the parts behind
//! `jmp` and `j`.

#![deny(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
mod secret;

pub use secret::Secret;
