//! Several messages at a time: small ones come together with the next, and cost a part of the trips
//! to the kernel.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, MultiHeaders, UnixAddr, sendmmsg};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// No more messages are taken when there are so many bytes.
const ENOUGH: usize = 32 << 10;
/// Nor when there are so many messages.
const MANY: usize = 64;

/// Messages, one behind the other.
pub(super) struct Batch {
    /// Room for a batch and one message of any size. The system gives memory to those parts of it
    /// that have been used.
    buffer: Vec<u8>,
    /// The size of the longest message.
    longest: usize,
    /// Where each message ends.
    ends: Vec<usize>,
    /// How many have been sent.
    sent: usize,
    last: bool,
}

// === impl Batch ===

impl Batch {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            buffer: Vec::new(),
            longest,
            ends: Vec::new(),
            sent: 0,
            last: false,
        }
    }

    /// Takes what is there; the batch must be empty.
    ///
    /// # Errors
    /// `WouldBlock` if there is nothing, and those of the system.
    pub(super) fn fill(&mut self, socket: &UnixDatagram) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.reserve(ENOUGH + self.longest);
        while self.ends.len() < MANY && self.buffer.len() < ENOUGH {
            match socket.try_recv_buf(&mut self.buffer) {
                // Nobody sends an empty message.
                Ok(0) => {
                    self.last = true;
                    break;
                }
                Ok(_) => self.ends.push(self.buffer.len()),
                Err(error) if error.kind() == ErrorKind::WouldBlock && !self.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends what there is room for.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room, and those of the system.
    pub(super) fn drain(&mut self, socket: &UnixDatagram) -> io::Result<()> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let spans = starts.zip(self.ends.iter().copied()).skip(self.sent);
        let messages: Vec<_> = spans
            .map(|(start, end)| [IoSlice::new(&self.buffer[start..end])])
            .collect();
        let count = socket.try_io(Interest::WRITABLE, || send(socket, &messages))?;
        self.sent += count;
        if self.sent == self.ends.len() {
            self.ends.clear();
            self.sent = 0;
        }
        Ok(())
    }

    /// Whether everything has been sent.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether the other side sends no more.
    pub(super) fn is_last(&self) -> bool {
        self.last
    }

    /// Gives the memory of an empty batch back.
    pub(super) fn forget(&mut self) {
        self.buffer = Vec::new();
    }
}

/// How many of the messages have been sent.
fn send(socket: &UnixDatagram, messages: &[[IoSlice<'_>; 1]]) -> io::Result<usize> {
    let socket = socket.as_raw_fd();
    let flags = MsgFlags::MSG_NOSIGNAL;
    let nowhere = vec![None; messages.len()];
    let mut headers = MultiHeaders::<UnixAddr>::preallocate(messages.len(), None);
    let sent = sendmmsg(socket, &mut headers, messages, &nowhere, [], flags)?;
    Ok(sent.count())
}
