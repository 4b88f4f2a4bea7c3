//! Into the socket: frames as messages, several at a time if they are small.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, Shutdown, sendmmsg, shutdown};
use nix::sys::uio::writev;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{Kind, SMALLEST, batch};
use crate::stream::pieces::Pieces;

/// No more messages than this wait for each other.
const MANY: usize = 64;

#[derive(Debug)]
pub(in crate::stream) struct Writer {
    socket: Arc<UdpSocket>,
    kind: Kind,
    /// What a frame is cut to.
    limit: usize,
    /// The lengths of the messages that can be sent.
    complete: VecDeque<usize>,
    /// How much of the next message there is.
    open: usize,
}

// === impl Writer ===

impl Writer {
    pub(in crate::stream) fn new(socket: Arc<UdpSocket>, kind: Kind) -> Self {
        Self {
            limit: kind.limit,
            socket,
            kind,
            complete: VecDeque::new(),
            open: 0,
        }
    }

    /// Takes note of a piece of a frame that was added to `collected` bytes. True when it is time
    /// to send.
    pub(in crate::stream) fn push(&mut self, length: usize, last: bool, collected: usize) -> bool {
        self.open += length;
        let too_long = self.open >= self.limit;
        // The end of a packet that was cut, or an empty one, is none.
        let is_one = self.open > 0 || self.kind.datagrams;
        if (last || too_long) && is_one {
            self.complete.push_back(self.open);
            self.open = 0;
        }
        self.is_due() && (collected >= batch() || self.complete.len() >= MANY)
    }

    /// Whether there is a whole message to send.
    pub(in crate::stream) fn is_due(&self) -> bool {
        !self.complete.is_empty()
    }

    /// Forgets what has not been sent.
    pub(in crate::stream) fn clear(&mut self) {
        self.complete.clear();
        self.open = 0;
    }

    /// Sends the messages that are complete.
    pub(in crate::stream) async fn write(&mut self, pieces: &mut Pieces) -> io::Result<()> {
        let mut lost = false;
        while let Some(length) = self.complete.front().copied() {
            match self.send(length, pieces) {
                Ok(count) => {
                    self.sent(count, pieces);
                    lost = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.writable().await?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.kind.datagrams => {
                    // The first error may be about an earlier datagram.
                    if std::mem::replace(&mut lost, true) || is_too_long(&error) {
                        tracing::debug!(%error, bytes = length, "a datagram is lost");
                        self.sent(length, pieces);
                        lost = false;
                    }
                }
                Err(error) if is_too_long(&error) && self.limit > SMALLEST => {
                    self.limit = self.limit.min(length) / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// So many bytes are gone: some messages, or the beginning of one.
    fn sent(&mut self, mut count: usize, pieces: &mut Pieces) {
        pieces.advance(count);
        while let Some(first) = self.complete.front_mut() {
            if count < *first {
                *first -= count;
                return;
            }
            count -= *first;
            self.complete.pop_front();
            if count == 0 {
                return;
            }
        }
    }

    /// Sends the first message of this length, or its beginning if it is too long, or some more
    /// with it. Returns how many bytes.
    fn send(&self, length: usize, pieces: &mut Pieces) -> io::Result<usize> {
        let alike = pieces.alike(&self.complete, self.limit);
        if alike.len() > 1 {
            return self
                .socket
                .try_io(Interest::WRITABLE, || self.send_all(&alike));
        }
        let limit = length.min(self.limit);
        if !pieces.fits(limit) {
            pieces.join();
        }
        let (slices, count) = pieces.slices(limit);
        match &slices[..count] {
            [] => self.socket.try_send(&[]),
            [slice] => self.socket.try_send(slice),
            slices => self
                .socket
                .try_io(Interest::WRITABLE, || Ok(writev(&*self.socket, slices)?)),
        }
    }

    /// Several messages in one trip to the kernel.
    fn send_all(&self, messages: &[[IoSlice<'_>; 1]]) -> io::Result<usize> {
        let mut headers = MultiHeaders::<()>::preallocate(messages.len(), None);
        let (fd, nowhere) = (self.socket.as_raw_fd(), vec![None; messages.len()]);
        let flags = MsgFlags::MSG_NOSIGNAL;
        let sent = sendmmsg(fd, &mut headers, messages, &nowhere, [], flags)?;
        let count = sent.count();
        Ok(messages[..count]
            .iter()
            .map(|[message]| message.len())
            .sum())
    }

    pub(in crate::stream) fn finish(self) {
        if !self.kind.datagrams {
            let fd = self.socket.as_raw_fd();
            if let Err(error) = shutdown(fd, Shutdown::Write) {
                tracing::debug!(%error, "the driver has hung up already");
            }
        }
    }
}

/// For a packet without fragments, the kernel may also lack memory in one piece.
fn is_too_long(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMSGSIZE | Errno::ENOBUFS))
}
