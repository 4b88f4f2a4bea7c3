//! stdout and stderr for data that comes in pieces.
//!
//! Unlike [`print`](super::print), writing here does not stop the program when nobody reads: a
//! signal is still heard, and so is the key that leaves a console.

use std::io::ErrorKind;

use tokio::io::{AsyncWrite, AsyncWriteExt, Stderr, Stdout};

use super::Failure;

/// Where data goes as it comes, without a newline after it.
#[derive(Debug)]
pub(crate) struct Screen<T> {
    stream: T,
    name: &'static str,
}

// === impl Screen ===

impl Screen<Stdout> {
    /// For what was asked for.
    pub(crate) fn stdout() -> Self {
        Self {
            stream: tokio::io::stdout(),
            name: "stdout",
        }
    }
}

impl Screen<Stderr> {
    /// For what a device complains about.
    pub(crate) fn stderr() -> Self {
        Self {
            stream: tokio::io::stderr(),
            name: "stderr",
        }
    }
}

impl<T: AsyncWrite + Unpin> Screen<T> {
    /// Shows `data`, now.
    ///
    /// # Errors
    ///
    /// [`Failure::Quiet`] when nobody reads it any more.
    pub(crate) async fn show(&mut self, data: &[u8]) -> Result<(), Failure> {
        let shown = match self.stream.write_all(data).await {
            Ok(()) => self.stream.flush().await,
            Err(error) => Err(error),
        };
        shown.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::Quiet(1),
            _ => Failure::Error(format!("cannot write to {}: {error}", self.name)),
        })
    }
}
