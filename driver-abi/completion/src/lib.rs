//! The table of calls in flight across the plugin boundary.
//!
//! Whoever starts work on the other side (the host for a call, a plugin for a call of its child)
//! takes a [`Pending`] and a [`Completion`] from [`begin`], hands over the completion, and awaits
//! the pending [`Answer`]:
//!
//! ```text
//!   begin() -> (Pending, Completion { ctx = slot + generation, done })
//!                 |                      |
//!              .await  <---- Answer <--- done(ctx, &Reply)   any thread, once
//! ```
//!
//! The completion holds a number, not a pointer: one that comes twice or with a made-up number
//! finds no open slot, is counted ([`strays`]) and has no other effect. A [`Pending`] that is
//! dropped leaves its slot behind, marked abandoned, so that a late answer still frees what it
//! carries.
//!
//! [`Completion`]: jumpstarter_driver_abi::Completion
//!
//! The table is a static of the image it is linked into: the host has one, and so has every plugin.

#![deny(missing_docs)]

mod answer;
mod table;

pub use answer::Answer;
pub use table::{Pending, abandoned, begin, strays};

#[cfg(test)]
mod tests;
