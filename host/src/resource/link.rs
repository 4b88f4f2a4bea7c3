//! What a client's stream and the transfer that uses it know of each other.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::socket;

/// Between an [`Offer`](super::Offer) and the outcome of its transfer.
#[derive(Debug)]
pub(super) struct Link {
    client: watch::Sender<Client>,
    /// The client's end of the socket pair, a second descriptor of it; none when the client is gone.
    socket: Mutex<Option<OwnedFd>>,
}

/// What is known about the client.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// It has sent all of its data, and said so.
    whole: bool,
    gone: bool,
    /// Everything that was written for it had been picked up when it went.
    served: bool,
}

/// The client went away too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

// === impl Link ===

impl Link {
    /// `socket` is the client's end.
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self {
            client: watch::Sender::default(),
            socket: Mutex::new(Some(socket)),
        }
    }

    pub(super) fn set_whole(&self) {
        self.client.send_modify(|client| client.whole = true);
    }

    /// The client is gone: whoever is at the other end finds out now.
    pub(super) fn set_gone(&self) {
        let socket = self.socket().take();
        let served = socket.as_ref().is_some_and(socket::drained);
        self.client.send_modify(|client| {
            client.gone = true;
            client.served |= served;
        });
        if let Some(socket) = socket {
            socket::end(&socket);
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.client.borrow().gone
    }

    /// Waits until the client goes away.
    pub(super) async fn gone(&self) {
        self.client_that(|client| client.gone).await;
    }

    /// Waits until the client has sent all of its data.
    pub(super) async fn whole(&self) -> Result<(), Gone> {
        let client = self.client_that(|client| client.whole || client.gone).await;
        if client.whole { Ok(()) } else { Err(Gone) }
    }

    /// Waits until all that was written for the client has been picked up, the end included.
    ///
    /// The kernel wakes nobody when the other side reads, hence the naps. They are few: this is
    /// asked when the end has been written, and what is then on its way is one queue of a socket.
    pub(super) async fn served(&self) -> Result<(), Gone> {
        const LONGEST: Duration = Duration::from_millis(50);
        let mut nap = Duration::from_micros(500);
        loop {
            let client = *self.client.borrow();
            if client.gone {
                return if client.served { Ok(()) } else { Err(Gone) };
            }
            if self.socket().as_ref().is_some_and(socket::drained) {
                return Ok(());
            }
            tokio::select! {
                () = sleep(nap) => nap = LONGEST.min(nap * 2),
                () = self.gone() => {}
            }
        }
    }

    async fn client_that(&self, wanted: impl FnMut(&Client) -> bool) -> Client {
        let mut watcher = self.client.subscribe();
        let seen = watcher.wait_for(wanted).await.map(|client| *client);
        // The sender is in `self`, so it cannot be gone.
        seen.unwrap_or_else(|_| *self.client.borrow())
    }

    fn socket(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        // There is only one step to every change.
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
