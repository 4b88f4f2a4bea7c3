//! Several messages at a time: small ones come together with the next, and cost a part of the trips
//! to the kernel.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, UnixAddr, sendmmsg};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// No more messages are taken when there are so many bytes.
const ENOUGH: usize = 128 << 10;
/// Nor when there are so many messages.
const MANY: usize = 64;

thread_local! {
    /// Nearly always empty between two turns, so one is enough for all streams.
    static BATCH: RefCell<Batch> = RefCell::default();
}

/// What came of a turn.
pub(super) enum Turn {
    /// What was there has been sent back.
    Done,
    /// There was not room for all of it.
    Rest(Batch),
    /// The other side sends no more.
    Last,
}

/// Messages, one behind the other.
#[derive(Default)]
pub(super) struct Batch {
    /// Room for a batch and one message of any size. The system gives memory to those parts of it
    /// that have been used.
    buffer: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
    /// How many have been sent.
    sent: usize,
}

/// Sends back what is there, if there is room. No message is longer than `longest`.
///
/// # Errors
/// `WouldBlock` if there is nothing or no room, and those of the system.
pub(super) fn turn(socket: &UnixDatagram, longest: usize) -> io::Result<Turn> {
    socket.try_io(Interest::WRITABLE, || room(socket))?;
    BATCH.with_borrow_mut(|batch| {
        batch.fill(socket, longest)?;
        if batch.is_empty() {
            return Ok(Turn::Last);
        }
        match batch.drain(socket) {
            Ok(()) if batch.is_empty() => Ok(Turn::Done),
            // What is wrong, if anything, the next try will say.
            _ => Ok(Turn::Rest(std::mem::take(batch))),
        }
    })
}

/// Whether the socket takes anything, as the system sees it now: the runtime believes so until a
/// message did not fit.
fn room(socket: &UnixDatagram) -> io::Result<()> {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut polled, PollTimeout::ZERO)? {
        0 => Err(ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

// === impl Batch ===

impl Batch {
    /// Takes what is there; the batch must be empty, and stays so at the end.
    fn fill(&mut self, socket: &UnixDatagram, longest: usize) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.reserve(ENOUGH + longest);
        while self.ends.len() < MANY && self.buffer.len() < ENOUGH {
            match socket.try_recv_buf(&mut self.buffer) {
                // Nobody sends an empty message, and the end can be read again.
                Ok(0) => break,
                Ok(_) => self.ends.push(self.buffer.len()),
                // An error that is not about this moment comes again, too.
                Err(_) if !self.is_empty() => break,
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
