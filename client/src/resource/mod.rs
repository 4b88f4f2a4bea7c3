//! The data of a call: an image to flash, a file to fetch.
//!
//! A call cannot carry a gigabyte. So the client opens a byte stream next to it, gets a [`Handle`]
//! for it, and passes that as an argument; the driver finds the stream by the handle.
//!
//! ```text
//!  file ─► Transfer ─► byte stream ─────► exporter ─► driver
//!              └─ call flash(handle) ───► exporter ───┘
//! ```
//!
//! What an exporter can fetch by itself needs no stream: a handle can also be a URL.
//!
//! ```no_run
//! use jumpstarter_client::Device;
//! use jumpstarter_client::resource::{Handle, Transfer};
//!
//! # async fn example(flasher: &Device) -> Result<(), Box<dyn std::error::Error>> {
//! let image = tokio::fs::File::open("image.raw").await?;
//! Transfer::new(flasher)
//!     .watched(|bytes| eprint!("\r{bytes}"))
//!     .upload(image, async |handle| {
//!         flasher.call::<()>("flash", (handle, "rootfs")).await
//!     })
//!     .await?;
//!
//! let image = Handle::get("https://images.example.com/image.raw?signature=%2B");
//! flasher.call::<()>("flash", (image, None::<String>)).await?;
//! # Ok(())
//! # }
//! ```

mod compression;
mod counted;
mod handle;
mod transfer;

pub use compression::{Compression, UnknownCompression};
pub use handle::Handle;
pub use transfer::{Transfer, TransferError};
