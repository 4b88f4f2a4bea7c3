//! From the socket: messages as frames, several at a time if they are small.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::net::UdpSocket;

use super::{Kind, batch};
use crate::stream::frames::{HEAD, put_head};
use crate::stream::socket::read_now;

/// So many errors in a row, and they are not about single datagrams.
const ERRORS: u32 = 16;

thread_local! {
    /// Nobody knows how long the next message is, and room for the longest would be far too much
    /// for every stream to hold. So a message is received here, and copied to where it fits.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(in crate::stream) struct Reader {
    socket: Arc<UdpSocket>,
    kind: Kind,
    errors: u32,
    /// How much there was the last time.
    expected: usize,
    ended: bool,
    /// What it ends with. The kernel tells of a reset before it hands over what had come until then.
    failure: Option<io::Error>,
}

// === impl Reader ===

impl Reader {
    pub(in crate::stream) fn new(socket: Arc<UdpSocket>, kind: Kind) -> Self {
        Self {
            socket,
            kind,
            errors: 0,
            expected: 0,
            ended: false,
            failure: None,
        }
    }

    pub(in crate::stream) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            if self.ended {
                return Poll::Ready(self.failure.take().map_or(Ok(None), Err));
            }
            ready!(self.socket.poll_recv_ready(cx))?;
            let frames = SCRATCH.with_borrow_mut(|scratch| self.fill(scratch));
            if !frames.is_empty() {
                return Poll::Ready(Ok(Some(frames.freeze())));
            }
        }
    }

    /// Receives what is there, up to a batch of frames.
    fn fill(&mut self, scratch: &mut Vec<u8>) -> BytesMut {
        let mut frames = BytesMut::new();
        let batch = batch();
        while frames.len() < batch {
            scratch.clear();
            // Only what is used of it costs memory.
            scratch.reserve(self.kind.longest + 1);
            if !self.receive(scratch) {
                break;
            }
            if frames.is_empty() {
                frames.reserve(self.expected);
            }
            append(&mut frames, scratch);
        }
        self.expected = frames.len().min(batch);
        frames
    }

    /// Receives one message; false if there is none.
    fn receive(&mut self, room: &mut Vec<u8>) -> bool {
        loop {
            match self.socket.try_recv_buf(room) {
                Ok(0) if !self.kind.datagrams => {
                    self.ended = true;
                    return false;
                }
                Ok(length) if length > self.kind.longest => {
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

    pub(in crate::stream) fn now(&mut self) -> io::Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        match read_now(&*self.socket, self.kind.longest) {
            Err(error) if is_reset(&error) => read_now(&*self.socket, self.kind.longest),
            read => read,
        }
    }
}

/// Adds a message as a frame.
fn append(frames: &mut BytesMut, message: &[u8]) {
    let start = frames.len();
    frames.reserve(HEAD + message.len());
    frames.put_bytes(0, HEAD);
    let unused = put_head(&mut frames[start..], message.len());
    // Between two frames there may be no gap.
    frames.copy_within(start + unused.., start);
    frames.truncate(frames.len() - unused);
    frames.extend_from_slice(message);
}

/// The other end was closed before all that it had been sent was read.
fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}
