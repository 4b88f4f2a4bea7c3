//! The Jumpstarter client library.
//!
//! ```text
//! Host ── connect ──► Connection ── GetReport ──► Session ── root ──► Device ── call, stream, connect
//!                                                    └── client ──► status::Monitor, logs::Follower
//! endpoint ── controller::Controller ── lease::Leases ──► a tunnel to the exporter of a lease
//! ```
//!
//! ```no_run
//! use jumpstarter_client::connect::{Options, connect};
//! use jumpstarter_client::{Host, Session};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = connect(&Host::parse("lab-3:8082"), &Options::default()).await?;
//! let session = Session::open(connection).await?;
//! if let Some(power) = session.root().child("power") {
//!     power.call::<()>("on", ()).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Without default features this is what the exporter and other programs link; feature `cli` adds
//! the command line conventions that all our programs share, feature `config` the files of users,
//! feature `commands` the parts behind `jmp` and `j`, feature `compression` what it takes to
//! (de)compress data for an exporter that cannot.

#![deny(missing_docs)]

mod allow;
pub mod backoff;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod complete;
#[cfg(feature = "config")]
pub mod config;
pub mod connect;
pub mod controller;
pub mod device;
pub mod env;
pub mod forward;
mod host;
#[cfg(feature = "commands")]
mod http;
#[cfg(feature = "commands")]
pub mod j;
#[cfg(feature = "commands")]
pub mod jmp;
pub mod lease;
pub mod logs;
#[cfg(feature = "commands")]
mod oidc;
pub mod report;
pub mod resource;
pub mod router;
mod secret;
pub mod status;
pub mod stream;
#[cfg(feature = "commands")]
mod ui;
#[cfg(feature = "config")]
mod yaml;

pub use allow::Allow;
pub use device::{Device, Session};
pub use host::Host;
pub use secret::Secret;
pub use stream::ByteStream;
