//! Storage: file systems, memory and HTTP behind one interface, and mock flashers.
//!
//! ```text
//!  Opendal ─► files: what `open` has handed out ─┐
//!     │                                          ▼
//!     └─► Store ─┬─ Folder   a directory of this machine, and nothing outside of it
//!                └─ Service  memory and HTTP, through OpenDAL
//!  MockFlasher, MockStorageMux ─► Scratch: files that go away with the driver
//! ```
//!
//! Directories do not go through OpenDAL, since its `fs` service follows `..` and symbolic links
//! wherever they lead. Names, results and error texts are OpenDAL's all the same, because clients
//! know them.

mod capability;
mod created;
mod driver;
mod error;
mod files;
mod flasher;
mod folder;
mod hash;
mod mux;
mod scratch;
mod service;
mod store;
mod transfer;
mod types;
mod web;

use jumpstarter_driver::plugin;

use driver::Opendal;
use flasher::MockFlasher;
use mux::{MockStorageMux, MockStorageMuxFlasher};

plugin! {
    name: "jumpstarter_driver_opendal",
    vendor: "Jumpstarter",
    drivers: [Opendal, MockFlasher, MockStorageMux, MockStorageMuxFlasher],
}

#[cfg(test)]
mod tests;
