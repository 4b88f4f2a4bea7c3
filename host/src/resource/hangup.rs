//! Noticing that the other side of a socket is gone, without reading from it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::socket;

/// How late it may be noticed that a side which had said before that it sends no more is gone.
const NAP: Duration = Duration::from_millis(200);

/// Tells when the other side has closed, or when both sides have shut down what they send.
pub(super) struct Hangup(UnixStream);

// === impl Hangup ===

impl Hangup {
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Self> {
        let socket: OwnedFd = socket.as_fd().try_clone_to_owned()?;
        socket::stream(socket).map(Self)
    }

    pub(super) async fn wait(&self) {
        // Nobody sends anything urgent; but this is also told when the other side closes, be it
        // for one direction only. For that case alone there are the naps.
        while self.0.ready(Interest::PRIORITY).await.is_ok() && !hung_up(&self.0) {
            sleep(NAP).await;
        }
    }
}

/// Whether the other side has closed, or both sides have shut down what they send.
pub(super) fn hung_up(socket: &impl AsFd) -> bool {
    let mut socket = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
    match poll(&mut socket, PollTimeout::ZERO) {
        Ok(_) => socket[0].revents().is_some_and(|now| now.intersects(gone)),
        Err(_) => false,
    }
}
