//! From the socket: messages as frames, several at a time if they are small.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::net::UdpSocket;

use super::{BATCH, Kind};
use crate::stream::frames::{HEAD, put_head};
use crate::stream::socket::read_now;

/// So many errors in a row, and they are not about single datagrams.
const ERRORS: u32 = 16;

#[derive(Debug)]
pub(in crate::stream) struct Reader {
    socket: Arc<UdpSocket>,
    kind: Kind,
    buffer: BytesMut,
    errors: u32,
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
            buffer: BytesMut::new(),
            errors: 0,
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
            let start = self.fill();
            if self.buffer.len() > start {
                let mut frames = self.buffer.split();
                frames.advance(start);
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

/// The other end was closed before all that it had been sent was read.
fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}
