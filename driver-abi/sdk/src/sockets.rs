//! Pairs of sockets, one for the driver and one for the host, and how much they hold.
//!
//! What waits in a local socket counts against the buffer of its sender, so that of the receiver is
//! left alone. The system doubles what it is asked for and may grant less.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, getsockopt, recv, setsockopt, socketpair, sockopt,
};

use crate::{Error, Result};

/// For bytes: enough that sender and receiver work on pieces of 64 KiB side by side. What a client
/// leaves unread is kept in here.
pub(crate) const STREAM_BUFFER: usize = 512 * 1024;

/// For messages, none of which can be larger than the buffer: 2 MiB are the most that the system
/// finds memory for in one piece.
const MESSAGE_BUFFER: usize = 1024 * 1024;

/// What the system takes off the buffer of a message for itself.
const MESSAGE_OVERHEAD: usize = 32;

/// Both ends of a stream of bytes.
pub(crate) fn stream() -> Result<(OwnedFd, OwnedFd)> {
    pair(SockType::Stream, STREAM_BUFFER)
}

/// Both ends of a stream of messages.
pub(crate) fn messages() -> Result<(OwnedFd, OwnedFd)> {
    pair(SockType::SeqPacket, MESSAGE_BUFFER)
}

fn pair(kind: SockType, buffer: usize) -> Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, flags)?;
    enlarge(&ours, buffer);
    enlarge(&theirs, buffer);
    Ok((ours, theirs))
}

/// Lets `socket` have more in flight, as far as the system agrees.
pub(crate) fn enlarge(socket: &impl AsFd, size: usize) {
    // A root user may go beyond the limit. With what is granted in the end it works anyway.
    let _granted = setsockopt(socket, sockopt::SndBufForce, &size)
        .or_else(|_| setsockopt(socket, sockopt::SndBuf, &size));
}

/// The size of the largest message that the socket takes.
pub(crate) fn max_message(socket: &impl AsFd) -> Result<usize> {
    let granted = getsockopt(socket, sockopt::SndBuf)?;
    Ok(granted.saturating_sub(MESSAGE_OVERHEAD))
}

/// Receives a message; an empty one is the end.
pub(crate) fn receive(socket: &impl AsRawFd) -> io::Result<Vec<u8>> {
    let socket = socket.as_raw_fd();
    // A buffer for the largest message would be kept by every idle stream: the size is asked first.
    let size = recv(socket, &mut [], MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC)?;
    let mut message = vec![0; size];
    let received = recv(socket, &mut message, MsgFlags::empty())?;
    message.truncate(received);
    Ok(message)
}

/// Makes a driver's own socket fit for the host: non-blocking, closed on exec.
pub(crate) fn checked(socket: OwnedFd) -> Result<OwnedFd> {
    if getsockopt(&socket, sockopt::SockType).is_err() {
        return Err(Error::internal(
            "the driver returned a descriptor that is no socket; it must copy it to and from a \
             `ByteStream`",
        ));
    }
    let fd = socket.as_fd();
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(socket)
}
