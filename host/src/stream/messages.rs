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

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use nix::errno::Errno;
use nix::sys::socket::{Shutdown, SockType, shutdown};
use nix::sys::uio::writev;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::frames::{HEAD, put_head};
use super::pieces::Pieces;
use super::socket::read_now;

/// The longest message that is expected even where the queue of our own end is shorter.
const LONGEST: usize = 256 << 10;
/// Small messages go to the client together, up to so many bytes.
const BATCH: usize = 32 << 10;
/// What the kernel keeps of a queue for itself.
const RESERVED: usize = 32;
/// A packet is not cut into smaller ones than this.
const SMALLEST: usize = 1 << 10;
/// So many errors in a row, and they are not about single datagrams.
const ERRORS: u32 = 16;

/// What the messages are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    datagrams: bool,
    /// Longer ones would be cut off by the kernel without a word.
    longest: usize,
    /// Longer ones the kernel does not take.
    limit: usize,
}

#[derive(Debug)]
pub(super) struct Reader {
    socket: Arc<UdpSocket>,
    kind: Kind,
    buffer: BytesMut,
    errors: u32,
    ended: bool,
    /// What it ends with. The kernel tells of a reset before it hands over what had come until then.
    failure: Option<io::Error>,
}

#[derive(Debug)]
pub(super) struct Writer {
    socket: Arc<UdpSocket>,
    kind: Kind,
    /// What a frame is cut to.
    limit: usize,
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

// === impl Reader ===

impl Reader {
    pub(super) fn new(socket: Arc<UdpSocket>, kind: Kind) -> Self {
        Self {
            socket,
            kind,
            buffer: BytesMut::new(),
            errors: 0,
            ended: false,
            failure: None,
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            if self.ended {
                return Poll::Ready(self.failure.take().map_or(Ok(None), Err));
            }
            ready!(self.socket.poll_recv_ready(cx))?;
            let start = self.fill();
            if self.buffer.len() > start {
                let mut frames = self.buffer.split();
                bytes::Buf::advance(&mut frames, start);
                return Poll::Ready(Ok(Some(frames.freeze())));
            }
            self.buffer.clear();
        }
    }

    /// Receives what is there, up to a batch. Returns where in the buffer the frames begin.
    fn fill(&mut self) -> usize {
        let mut start = 0;
        while self.buffer.len() < BATCH {
            let begin = self.buffer.len();
            let needed = HEAD + self.kind.longest + 1;
            if self.buffer.capacity() - begin < needed {
                if begin > 0 {
                    break;
                }
                self.buffer.reserve(BATCH + needed);
            }
            self.buffer.put_bytes(0, HEAD);
            if !self.receive() {
                self.buffer.truncate(begin);
                break;
            }
            if begin == 0 {
                start = put_head(&mut self.buffer);
            } else {
                // Between two frames there may be no gap.
                let unused = put_head(&mut self.buffer[begin..]);
                self.buffer.copy_within(begin + unused.., begin);
                self.buffer.truncate(self.buffer.len() - unused);
            }
        }
        start
    }

    /// Receives one message behind the head; false if there is none.
    fn receive(&mut self) -> bool {
        loop {
            let mut room = (&mut self.buffer).limit(self.kind.longest + 1);
            match self.socket.try_recv_buf(&mut room) {
                Ok(0) if !self.kind.datagrams => {
                    self.ended = true;
                    return false;
                }
                Ok(count) if count > self.kind.longest => {
                    let text = format!("a message is longer than {} bytes", self.kind.longest);
                    return self.fail(io::Error::other(text));
                }
                Ok(_) => {
                    self.errors = 0;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.errors = 0;
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.kind.datagrams && self.errors < ERRORS => {
                    self.errors += 1;
                    tracing::debug!(%error, "a datagram did not reach the device");
                }
                Err(error) if is_reset(&error) && self.failure.is_none() => {
                    self.failure = Some(error);
                }
                Err(error) => return self.fail(error),
            }
        }
    }

    fn fail(&mut self, error: io::Error) -> bool {
        self.ended = true;
        self.failure = Some(error);
        false
    }

    pub(super) fn now(&mut self) -> io::Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        match read_now(&*self.socket, self.kind.longest) {
            Err(error) if is_reset(&error) => read_now(&*self.socket, self.kind.longest),
            read => read,
        }
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(socket: Arc<UdpSocket>, kind: Kind) -> Self {
        Self {
            limit: kind.limit,
            socket,
            kind,
        }
    }

    /// Whether so much of a frame is enough to be sent.
    pub(super) fn is_enough(&self, collected: usize) -> bool {
        collected >= self.limit
    }

    /// Sends a whole frame.
    pub(super) async fn write(&mut self, message: &mut Pieces) -> io::Result<()> {
        if message.is_empty() && !self.kind.datagrams {
            return Ok(());
        }
        if !message.fits() {
            message.join();
        }
        let mut lost = false;
        loop {
            match self.send(message) {
                Ok(sent) => {
                    message.advance(sent);
                    if message.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.writable().await?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.kind.datagrams => {
                    // The first error may be about an earlier datagram.
                    if std::mem::replace(&mut lost, true) || is_too_long(&error) {
                        tracing::debug!(%error, bytes = message.len(), "a datagram is lost");
                        message.clear();
                        return Ok(());
                    }
                }
                Err(error) if is_too_long(&error) && self.limit > SMALLEST => {
                    self.limit = self.limit.min(message.len()) / 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&self, message: &Pieces) -> io::Result<usize> {
        let (slices, count) = message.slices(self.limit);
        match &slices[..count] {
            [] => self.socket.try_send(&[]),
            [slice] => self.socket.try_send(slice),
            slices => self
                .socket
                .try_io(Interest::WRITABLE, || Ok(writev(&*self.socket, slices)?)),
        }
    }

    pub(super) fn finish(self) {
        if !self.kind.datagrams {
            let fd = self.socket.as_raw_fd();
            if let Err(error) = shutdown(fd, Shutdown::Write) {
                tracing::debug!(%error, "the driver has hung up already");
            }
        }
    }
}

/// The other end was closed before all that it had been sent was read.
fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}

/// For a packet without fragments, the kernel may also lack memory in one piece.
fn is_too_long(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMSGSIZE | Errno::ENOBUFS))
}

#[cfg(test)]
mod tests;
