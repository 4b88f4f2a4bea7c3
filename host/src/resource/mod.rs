//! Data that a client gives to a driver, or takes from it.
//!
//! A method gets a *handle* as an argument. The driver takes what the handle stands for and has a
//! socket of plain bytes, whatever lies behind it:
//!
//! ```text
//!   client ── RPC ── Offer ════════ socketpair ════════ driver    client_stream
//!   client ── RPC ── Offer ════ codec (a task) ════════ driver    client_stream, encoded
//!   web server ════════════════ request (a task) ══════ driver    presigned_request
//! ```
//!
//! Back-pressure, half-close and a peer that has died are the kernel's work; what a socket cannot
//! say, whether all of the data came through, is a [`Transfer`]'s outcome.

mod buffered;
mod codec;
mod coded;
mod encoding;
mod handle;
mod hangup;
mod link;
mod offer;
mod socket;
mod table;
mod transfer;
mod web;

pub use encoding::Encoding;
pub use handle::Direction;
pub use offer::Offer;
pub use table::{Options, Resources};
pub use transfer::{Outcome, Transfer, Work};
pub use web::Limits;
