//! Computing without keeping the other tasks of a thread waiting.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// A codec that may compute for long: bzip2 does blocks of 900 kB in one go, and xz takes a tenth of
/// a second for a chunk. The other tasks of the thread move on to another one meanwhile.
pub(super) struct Aside<C> {
    codec: C,
    can_move: bool,
}

// === impl Aside ===

impl<C> Aside<C> {
    pub(super) fn new(codec: C) -> Self {
        let flavor = Handle::current().runtime_flavor();
        Self {
            codec,
            can_move: flavor == RuntimeFlavor::MultiThread,
        }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Aside<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let can_move = self.can_move;
        let codec = Pin::new(&mut self.codec);
        match can_move {
            true => block_in_place(|| codec.poll_read(cx, buf)),
            false => codec.poll_read(cx, buf),
        }
    }
}
