//! A client's stream, until the client goes away.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use uuid::Uuid;

use super::link::Link;
use super::table::Waiting;

/// The side of a transfer that faces the client.
///
/// Dropping it says that the client is gone: a handle that nobody has taken is withdrawn, and a
/// transfer ends, with an error for its driver if the client's data was not whole yet.
#[derive(Debug)]
pub struct Offer {
    pub(super) uuid: Uuid,
    pub(super) handle: String,
    pub(super) accepted: Option<&'static str>,
    pub(super) socket: Option<OwnedFd>,
    pub(super) link: Arc<Link>,
    pub(super) waiting: Arc<Waiting>,
}

// === impl Offer ===

impl Offer {
    /// What the client is told: the handle, and the value of `x_jmp_accept_encoding`. The latter is
    /// left out where there is none, which tells the client to compress and decompress by itself.
    pub fn metadata(&self) -> (&str, Option<&str>) {
        (&self.handle, self.accepted)
    }

    /// The socket that is pumped to and from the client: a stream socket, non-blocking.
    ///
    /// # Panics
    ///
    /// There is one only.
    pub fn socket(&mut self) -> OwnedFd {
        // Two pumps on one stream would tear the data apart.
        #[allow(clippy::expect_used)]
        self.socket.take().expect("the socket is taken once")
    }

    /// The client has sent all of its data. To be said before the socket is shut down for writing,
    /// because the driver may ask as soon as it meets the end.
    pub fn whole(&self) {
        self.link.set_whole();
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.waiting.withdraw(&self.uuid);
        self.link.set_gone();
    }
}
