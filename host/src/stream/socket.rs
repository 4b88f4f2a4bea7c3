//! The two halves of a socket, of any type.

use std::io;
use std::net::UdpSocket as StdMessages;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdBytes;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use nix::sys::socket::{MsgFlags, SockType, getsockopt, recv, sockopt};
use tokio::net::{UdpSocket, UnixStream};

use super::frames::HEAD;
use super::pieces::Pieces;
use super::room::framed;
use super::{bytes as stream, messages};

/// What the driver sends.
#[derive(Debug)]
pub(super) enum Reader {
    Bytes(stream::Reader),
    Messages(messages::Reader),
}

/// What the driver receives.
#[derive(Debug)]
pub(super) enum Writer {
    Bytes(stream::Writer),
    Messages(messages::Writer),
}

/// Registers a non-blocking socket with the runtime.
///
/// The runtime's types are named after families of sockets, but only read, write, send and receive,
/// which are the same for all of them.
pub(super) fn split(socket: OwnedFd) -> io::Result<(Reader, Writer)> {
    let kind = getsockopt(&socket, sockopt::SockType)?;
    if kind == SockType::Stream {
        let (reader, writer) = UnixStream::from_std(StdBytes::from(socket))?.into_split();
        return Ok((
            Reader::Bytes(stream::Reader::new(reader)),
            Writer::Bytes(stream::Writer::new(writer)),
        ));
    }
    let queue = getsockopt(&socket, sockopt::SndBuf)?;
    let socket = Arc::new(UdpSocket::from_std(StdMessages::from(socket))?);
    let kind = messages::Kind::of(kind, queue);
    Ok((
        Reader::Messages(messages::Reader::new(Arc::clone(&socket), kind)),
        Writer::Messages(messages::Writer::new(socket, kind)),
    ))
}

/// Reads past the runtime, which may not know yet that there is something to read: for the moment
/// when whatever the driver had to say has been said.
pub(super) fn read_now(socket: &impl AsFd, longest: usize) -> io::Result<Option<Bytes>> {
    let mut chunk = BytesMut::zeroed(HEAD + longest);
    let fd = socket.as_fd().as_raw_fd();
    let count = recv(fd, &mut chunk[HEAD..], MsgFlags::MSG_DONTWAIT)?;
    chunk.truncate(HEAD + count);
    Ok((count > 0).then(|| framed(chunk)))
}

// === impl Reader ===

impl Reader {
    /// The next chunk as a frame, or several frames; nothing at the end.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        match self {
            Self::Bytes(reader) => reader.poll_next(cx),
            Self::Messages(reader) => reader.poll_next(cx),
        }
    }

    /// What is there to be read in this very moment.
    pub(super) fn now(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Bytes(reader) => reader.now(),
            Self::Messages(reader) => reader.now(),
        }
    }
}

// === impl Writer ===

impl Writer {
    /// Takes a piece of a frame. True when it should be written before another one is taken.
    pub(super) fn push(&mut self, piece: Bytes, last: bool, pieces: &mut Pieces) -> bool {
        let length = piece.len();
        pieces.push(piece);
        match self {
            Self::Bytes(_) => pieces.len() >= stream::enough(),
            Self::Messages(writer) => writer.push(length, last, pieces.len()),
        }
    }

    /// Whether what has been taken may be written: messages are written when they are complete.
    pub(super) fn is_due(&self, pieces: &Pieces) -> bool {
        match self {
            Self::Bytes(_) => !pieces.is_empty(),
            Self::Messages(writer) => writer.is_due(),
        }
    }

    /// Forgets what has been taken and not been written.
    pub(super) fn clear(&mut self, pieces: &mut Pieces) {
        pieces.clear();
        if let Self::Messages(writer) = self {
            writer.clear();
        }
    }

    /// Writes all that may be written, waiting for room.
    pub(super) async fn write(&mut self, pieces: &mut Pieces) -> io::Result<()> {
        match self {
            Self::Bytes(writer) => writer.write(pieces).await,
            Self::Messages(writer) => writer.write(pieces).await,
        }
    }

    /// The client sends no more.
    pub(super) fn finish(self) {
        match self {
            // Dropping this half shuts the socket down for writing.
            Self::Bytes(writer) => drop(writer),
            Self::Messages(writer) => writer.finish(),
        }
    }
}
