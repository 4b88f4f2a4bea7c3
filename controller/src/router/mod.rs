//! The router: joins two streams that ask for the same, and passes on what comes, both ways.
//!
//! ```text
//!   exporter ── request ──►┌───────────┐──► response ── client
//!                          │   pair    │
//!   exporter ◄─ response ──└───────────┘◄── request ─── client
//! ```
//!
//! Requests and responses are the same messages, so the bodies are passed on as they are: nothing is
//! decoded, nothing copied, and what waits is what HTTP/2 lets wait. A side that sends no more leaves
//! the other direction alone; a side that breaks off takes the other with it, at once.
//!
//! What a stream holds here is what its sender was allowed to send ahead, and no more; a side that does
//! not read gets that, and why the stream ended, when it reads on.

mod cut;
mod half;
mod pairs;
mod relay;

pub use cut::Cut;
pub use pairs::{JoinError, Pairs, Ticket, Traffic};
pub use relay::Relay;

#[cfg(test)]
mod tests;
