//! The socket pairs that data goes through.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, setsockopt, shutdown, socketpair,
    sockopt,
};

use tokio::net::UnixStream;

use crate::plugin::{CallError, Code};

/// What the kernel may keep on the way, each way. It gives less where its own limit is lower.
const QUEUE: usize = 512 << 10;

/// Two ends of a stream socket, both non-blocking.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), CallError> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let pair = socketpair(AddressFamily::Unix, SockType::Stream, None, flags);
    let (one, other) = pair.map_err(|error| failed(error.into()))?;
    for end in [&one, &other] {
        // A smaller queue than asked for only costs speed.
        setsockopt(end, sockopt::SndBuf, &QUEUE).unwrap_or_default();
    }
    Ok((one, other))
}

/// The socket, on the runtime that runs this.
pub(super) fn stream(socket: OwnedFd) -> std::io::Result<UnixStream> {
    UnixStream::from_std(socket.into())
}

/// No socket could be made, most likely because too many files are open.
pub(super) fn failed(error: std::io::Error) -> CallError {
    let text = format!("cannot make a socket for the data: {error}");
    CallError::new(Code::Internal, text)
}

/// Whether the other side will send no more, and everything that it has sent has been read here.
pub(super) fn drained(socket: &impl AsFd) -> bool {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    match recv(socket.as_fd().as_raw_fd(), &mut [0], flags) {
        Ok(read) => read == 0,
        // The other side closed without reading all that it was sent. That is told after the data.
        Err(Errno::ECONNRESET) => true,
        Err(_) => false,
    }
}

/// Ends both directions, for whoever else has the socket too.
pub(super) fn end(socket: &impl AsFd) {
    // It fails if the other side is gone already.
    shutdown(socket.as_fd().as_raw_fd(), Shutdown::Both).unwrap_or_default();
}
