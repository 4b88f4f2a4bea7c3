//! `SOCK_SEQPACKET` and `SOCK_DGRAM`: one message is one frame.
//!
//! The two differ in what they take and in how they end:
//!
//! | | packets | datagrams |
//! |---|---|---|
//! | an empty message | looks like the end, so none is sent | is one like any other |
//! | a frame that is too large | is cut | is lost, as in any network |
//! | an error | ends the stream | is about one datagram, and logged |
//! | the client sends no more | is passed on | cannot be said |

mod reader;
mod writer;

use nix::sys::socket::SockType;

pub(super) use reader::Reader;
pub(super) use writer::Writer;

use super::share;

/// The longest message that is expected even where the queue of our own end is shorter.
const LONGEST: usize = 256 << 10;
/// Small messages go together, up to so many bytes.
const BATCH: usize = 64 << 10;
/// What the kernel keeps of a queue for itself.
const RESERVED: usize = 32;
/// A packet is not cut into smaller ones than this.
const SMALLEST: usize = 1 << 10;

/// What the messages are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    datagrams: bool,
    /// Longer ones would be cut off by the kernel without a word.
    longest: usize,
    /// Longer ones the kernel does not take.
    limit: usize,
}

/// The same, if there are so many streams that each has to be content with less.
fn batch() -> usize {
    BATCH.min(share::size())
}

// === impl Kind ===

impl Kind {
    /// `queue` is the size of the socket's own queue, and most likely of the other end's.
    pub(super) fn of(kind: SockType, queue: usize) -> Self {
        Self {
            datagrams: kind == SockType::Datagram,
            longest: LONGEST.max(queue),
            limit: match kind {
                SockType::Datagram => usize::MAX,
                _ => SMALLEST.max(queue.saturating_sub(RESERVED)),
            },
        }
    }
}

#[cfg(test)]
mod tests;
