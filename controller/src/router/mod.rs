//! The router: joins two streams with the same id, and passes on what comes, both ways.
//!
//! ```text
//!   exporter ── request ──►┌───────────┐──► response ── client
//!                          │   pair    │
//!   exporter ◄─ response ──└───────────┘◄── request ─── client
//! ```
//!
//! Requests and responses consist of the same messages, so the bodies are passed on as they are:
//! nothing is decoded or copied, and HTTP/2 flow control holds senders back. A side that has sent
//! everything leaves the other direction open; a side that breaks off ends both, at once.
//!
//! What is buffered here for a stream is what its sender may send ahead. A side that does not read gets
//! that, and the reason of the end, when it reads on.

mod cut;
mod half;
mod pairs;
mod relay;

pub use cut::Cut;
pub use pairs::{JoinError, Pairs, Ticket, Traffic};
pub use relay::Relay;

#[cfg(test)]
mod tests;
