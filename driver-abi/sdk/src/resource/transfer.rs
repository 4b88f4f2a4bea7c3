//! A transfer on the exporter's side, and the question how it ended.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use jumpstarter_completion::Pending;

use super::{Resource, no_socket};
use crate::host::{Transfers, checked};
use crate::{Error, Result, image};

/// A transfer that was taken.
#[derive(Debug)]
pub(super) struct Transfer {
    transfers: Transfers,
    node: u64,
    number: u64,
    end: End,
}

/// What is known about its end, which the exporter is asked for once.
#[derive(Debug)]
enum End {
    /// Data is on its way.
    Open,
    /// The exporter was asked.
    Asked {
        answer: Pending,
        /// Why our socket cannot be used any more.
        broken: Option<Error>,
    },
    /// All of the data went through, or not.
    Known(Result<()>),
}

// === impl Resource ===

impl Resource {
    pub(super) async fn take(self, direction: u32) -> Result<(OwnedFd, Transfer)> {
        let transfers = image::ready()?.services.transfers()?;
        let answer = checked(transfers.take(self.node, &self.handle, direction).await)?;
        let transfer = Transfer {
            transfers,
            node: self.node,
            number: answer.handle,
            end: End::Open,
        };
        Ok((answer.fd.ok_or_else(no_socket)?, transfer))
    }
}

// === impl Transfer ===

impl Transfer {
    /// Whether data can still be on its way.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.end, End::Open)
    }

    /// Asks the exporter how it went, the first time. With a socket that is `broken` it did not go
    /// well, but the exporter knows better why.
    pub(super) fn ask(&mut self, broken: Option<io::Error>) {
        if self.is_open() {
            self.end = End::Asked {
                answer: self.transfers.finished(self.node, self.number),
                broken: broken.map(Error::from),
            };
        }
    }

    /// What the exporter answered; again the same if it is asked again.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let End::Asked { answer, broken } = &mut self.end {
            let answer = checked(ready!(answer.poll_unpin(cx)));
            let end = answer.and_then(|_| broken.take().map_or(Ok(()), Err));
            self.end = End::Known(end);
        }
        match &self.end {
            End::Known(end) => Poll::Ready(end.clone().map_err(io::Error::from)),
            End::Open | End::Asked { .. } => Poll::Pending,
        }
    }

    /// Asks and waits for the answer.
    pub(super) async fn ended(&mut self, broken: Option<io::Error>) -> io::Result<()> {
        self.ask(broken);
        poll_fn(|cx| self.poll_end(cx)).await
    }
}
