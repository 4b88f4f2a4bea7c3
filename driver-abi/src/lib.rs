//! The frozen boundary between the exporter and a driver plugin.
//!
//! A plugin is a shared library that exports its [metadata](META_SYMBOL) and one or both of two
//! *doors*. Behind either door stands the same table of C functions, [`Functions`]:
//!
//! ```text
//!   Rust plugin   DriverModule  (abi_stable root module, layout checked at load)  \
//!                                                                                   Functions
//!   any language  jmp_driver_entry_v1() -> const jmp_plugin *                     /
//! ```
//!
//! Rules that hold for every function here:
//!
//! * **Nothing is freed across the boundary.** Every pointer passed is borrowed for the length of
//!   the call it is passed to. Whoever needs the bytes later copies them.
//! * **Work is answered by a completion** ([`Completion`]): called once, from any thread, also
//!   before the starting function has returned, and never while holding a lock that one of the
//!   plugin's own entry points takes.
//! * **Values are protobuf.** Arguments are an encoded `google.protobuf.ListValue`, results an
//!   encoded `google.protobuf.Value`: the bytes they already are on the wire.
//! * **No unwinding.** A panic or exception that leaves an entry point ends the process.
//! * **The structs never change within ABI major 1.** Growth happens through named tables, asked
//!   for in both directions by `extension("jmp.name/1")`; see [`ext`].
//!
//! `include/jumpstarter_driver.h` is generated from this crate; a test keeps the two equal.
//! Plugins written in Rust use the `jumpstarter-driver` crate instead of this one.

#![deny(missing_docs)]

mod call;
mod code;
pub mod ext;
mod hash;
mod host;
mod module;
mod plugin;
mod reply;
mod slice;

pub use call::{Call, OpenRequest};
pub use code::Code;
pub use hash::ABI_HASH;
pub use host::{Host, LogLevel};
pub use module::{DriverModule, DriverModuleRef, ROOT_MODULE_NAME};
pub use plugin::{EntryFn, Functions, Plugin};
pub use reply::{Completion, FLAG_END_OF_STREAM, Reply};
pub use slice::Slice;

/// Major version of the boundary: a host loads a plugin only if this number is equal.
pub const ABI_MAJOR: u32 = 1;

/// Minor version of the boundary: tells which extensions may exist, never refuses a plugin.
pub const ABI_MINOR: u32 = 0;

/// Symbol of the metadata: a NUL-terminated JSON document that hosts read from the file without
/// loading it. `driver-abi/README.md` lists its keys.
pub const META_SYMBOL: &str = "jmp_plugin_meta";

/// Symbol of the C door: a function of type [`EntryFn`].
pub const ENTRY_SYMBOL: &str = "jmp_driver_entry_v1";

/// The largest number of items that one `stream_next` may ask for.
pub const STREAM_BATCH: u32 = 64;
