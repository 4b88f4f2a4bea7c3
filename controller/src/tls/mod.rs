//! Certificates: of our own authority, or given as files.
//!
//! ```text
//!  Authority (10 years, on the disk) ─► leaf for all names (90 days, in memory) ─┐
//!                                                                                ├─► Serving ─► rustls
//!  --tls-cert, --tls-key (read again when they change) ──────────────────────────┘
//! ```
//!
//! Peers pin one authority for the controller and all routers, so it outlives restarts and leaves. The
//! chain that is shown includes the authority: clients that trust on first use keep the chain as their
//! roots, and check names against it.

mod authority;
mod error;
mod given;
mod names;
mod serving;
#[cfg(test)]
mod tests;
mod validity;

pub use authority::{Authority, Leaf};
pub use error::TlsError;
pub use given::Given;
pub use names::Names;
pub use serving::Serving;
