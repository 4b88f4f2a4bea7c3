//! Driver plugins: found, distrusted, read, copied, loaded, and called.
//!
//! ```text
//!   Search ─► Registry::find ─► Found ─► Registry::load ─► Library::open ─► Instance
//!                 │ trust, elf, metadata     │ store, door       │            call, stream, connect
//!                 ▼                          ▼                   ▼
//!           nothing of the plugin runs   dlopen, init        Services: what drivers ask of us
//! ```
//!
//! Above this module nobody knows in which language a plugin was written. Below it lies foreign
//! code, and every `unsafe` block of the exporter but the one that ends it (`cmd::exit`).

mod ask;
mod bytes;
mod companion;
mod contents;
mod door;
mod driver;
mod elf;
mod error;
mod fence;
mod gate;
mod host;
mod instance;
mod library;
mod metadata;
mod open;
mod registry;
mod search;
mod services;
mod socket;
mod store;
mod stream;
mod trust;

pub use bytes::{ByteStream, Outcome};
pub use elf::FileError;
pub use error::{CallError, Code, PluginError};
pub use instance::Instance;
pub use library::{Library, glibc};
pub use metadata::{DriverMetadata, Metadata, Method, MethodKind, Param};
pub use open::{Added, Opened, OpenedChild};
pub use registry::{Found, Inspected, Listing, LoadOptions, Registry};
pub use search::Search;
pub use services::{Child, Node, Record, Services, Taking};
pub use store::state_dir;
pub use stream::ValueStream;
pub use trust::Distrust;
