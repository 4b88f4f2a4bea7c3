//! The kinds of streams that a method talks through.

use std::os::fd::OwnedFd;

use super::used::{FirstUse, Used, watch};
use super::{ByteStream, MessageStream};
use crate::class::BoxFuture;
use crate::{Result, sockets};

/// What a byte stream method takes as its last parameter.
#[diagnostic::on_unimplemented(
    message = "a method cannot talk through `{Self}`",
    label = "take `io: ByteStream`, or `io: MessageStream` if message boundaries matter"
)]
pub trait Talk: Sized + Send + 'static {
    /// Both ends of a pair of sockets.
    #[doc(hidden)]
    fn pair() -> Result<(OwnedFd, OwnedFd)>;

    /// The driver's end of it.
    #[doc(hidden)]
    fn watched(ours: OwnedFd, used: Watched) -> Result<Self>;
}

/// Tells about the first use of a stream.
#[derive(Debug)]
pub struct Watched(Used);

/// A method at work, and the host's end of its stream.
pub struct Talking {
    pub(super) work: BoxFuture<Result<()>>,
    pub(super) theirs: OwnedFd,
    pub(super) first_use: FirstUse,
}

// === impl Talk ===

impl Talk for ByteStream {
    fn pair() -> Result<(OwnedFd, OwnedFd)> {
        sockets::stream()
    }

    fn watched(ours: OwnedFd, used: Watched) -> Result<Self> {
        Self::watched(ours, used.0)
    }
}

impl Talk for MessageStream {
    fn pair() -> Result<(OwnedFd, OwnedFd)> {
        sockets::messages()
    }

    fn watched(ours: OwnedFd, used: Watched) -> Result<Self> {
        Self::watched(ours, used.0)
    }
}

// === impl Talking ===

impl Talking {
    /// Makes the stream and hands one end of it to `method`. Within the plugin's runtime.
    pub(crate) fn start<I, F>(method: impl FnOnce(I) -> F) -> Result<Self>
    where
        I: Talk,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (ours, theirs) = I::pair()?;
        let (used, first_use) = watch();
        Ok(Self {
            work: Box::pin(method(I::watched(ours, Watched(used))?)),
            theirs,
            first_use,
        })
    }
}

impl std::fmt::Debug for Talking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Talking")
    }
}
