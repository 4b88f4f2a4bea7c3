//! Byte streams between clients and sockets.
//!
//! On one side is a call: HTTP/2 data in both directions, each a sequence of gRPC messages, each a
//! frame. On the other side is the socket of a driver, or of a transfer. The bytes that a chunk
//! consists of are copied by the kernel and by nobody else: what comes in is written from the
//! buffers it arrived in, and what goes out is read into a buffer that has room for its headers.
//!
//! ```text
//!   call ─► frames: payloads ─► inbound (a task) ── writev ─► socket ─┐
//!                                                                     │ driver
//!   call ◄─ [head|payload] ◄─── pump (polled by the call) ◄── read ───┘
//! ```
//!
//! The directions do not wait for each other, and nothing is queued between them and the socket:
//! a reader that stops reading is felt at the other end, through the windows of HTTP/2 on one side
//! and the queue of the socket on the other.
//!
//! Inbound has a task of its own because a call is not polled while its client does not read.

mod bytes;
mod frames;
mod inbound;
mod messages;
mod pieces;
mod pump;
mod room;
mod share;
mod socket;

pub(crate) use frames::FrameError;
pub(crate) use pump::{Pump, Source, Trouble};
