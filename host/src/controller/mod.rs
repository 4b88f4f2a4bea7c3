//! This exporter at its controller.
//!
//! ```text
//!                  ┌─ register, release, leave, endpoints ──► unary calls, with deadlines
//!   Link (clones) ─┼─ report ──► one slot ──► reporter (a task) ──► ReportStatus
//!                  ├─ statuses, listen ◄── a task each ◄── streams that come back by themselves
//!                  └─ tunnel ══════════════════════════════► router
//! ```
//!
//! A controller is restarted, moved, cut off for minutes. None of that is the business of the
//! exporter's life: calls are tried again here, streams come back here, and after a gap the
//! controller is told anew where the exporter stands. Only a refusal for good is handed on.

mod ask;
mod complaints;
mod leave;
mod link;
mod listen;
mod lost;
mod register;
mod release;
mod reporter;
mod retry;
mod streams;
mod tunnel;

pub use link::{Link, LinkError};
pub use listen::{Invitation, Listening};
pub use register::Refused;
pub use streams::Statuses;
pub use tunnel::TunnelError;
