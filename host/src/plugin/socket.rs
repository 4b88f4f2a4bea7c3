//! The descriptor that a driver hands over.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockopt, sockopt};

/// Checks that it is a socket that the host can pump, and sets what the driver should have set.
pub(super) fn checked(fd: Option<OwnedFd>) -> Result<OwnedFd, String> {
    let fd = fd.ok_or_else(|| "success, but no descriptor".to_owned())?;
    match prepare(&fd) {
        Ok(SockType::Stream | SockType::SeqPacket) => Ok(fd),
        Ok(SockType::Datagram) if is_connected(&fd) => Ok(fd),
        Ok(SockType::Datagram) => Err("a datagram socket that is not connected".to_owned()),
        Ok(other) => Err(format!("a socket of type {other:?}")),
        Err(nix::Error::EBADF) => {
            // There is no such descriptor, so there is none to close, and soon enough the number
            // may be somebody else's.
            let number = fd.into_raw_fd();
            Err(format!("the descriptor {number}, which is not open"))
        }
        Err(nix::Error::ENOTSOCK) => Err("a descriptor that is no socket".to_owned()),
        Err(error) => Err(format!("an unusable descriptor: {error}")),
    }
}

fn prepare(fd: &impl AsFd) -> nix::Result<SockType> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    if !flags.contains(OFlag::O_NONBLOCK) {
        fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    }
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    getsockopt(fd, sockopt::SockType)
}

fn is_connected(fd: &OwnedFd) -> bool {
    getpeername::<SockaddrStorage>(fd.as_raw_fd()).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn a_socket_is_made_non_blocking() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let fd = checked(Some(theirs.into())).unwrap();
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL).unwrap());
        assert!(flags.contains(OFlag::O_NONBLOCK));
        drop(ours);
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(checked(None).unwrap_err(), "success, but no descriptor");
        let file = File::open("/dev/null").unwrap();
        assert_eq!(
            checked(Some(file.into())).unwrap_err(),
            "a descriptor that is no socket"
        );
        let datagram = UnixDatagram::unbound().unwrap();
        assert_eq!(
            checked(Some(datagram.into())).unwrap_err(),
            "a datagram socket that is not connected"
        );
        let (ours, _theirs) = UnixDatagram::pair().unwrap();
        assert!(checked(Some(ours.into())).is_ok(), "it has a peer");
    }
}
