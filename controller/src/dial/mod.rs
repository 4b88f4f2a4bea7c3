//! How a client reaches the exporter of its lease: both are sent to a router, with the same stream to
//! ask for.
//!
//! ```text
//!  exporter ── Listen(lease) ──► Listeners ◄── offer ── Dial(lease) ── client
//!      ▲                                                     ▲
//!      └────────────── invitation: endpoint, token ──────────┘
//! ```

mod gate;
mod listeners;

pub use gate::{Gate, gate};
pub use listeners::{Invitation, Listeners, Listening, Offered};
