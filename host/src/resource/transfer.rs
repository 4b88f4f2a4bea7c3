//! What a driver gets for a handle.

use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use crate::plugin::{CallError, Code};

use super::Direction;
use super::link::{Gone, Link};

/// The task of a transfer. It ends by itself when the transfer is over; dropping it cuts the
/// transfer off.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A socket of plain data, what makes it move, and how it ends.
pub struct Transfer {
    /// For the driver.
    pub socket: OwnedFd,
    /// To be run; none where nothing lies between the client and the driver.
    pub work: Option<Work>,
    /// Whether the data is whole, when it has ended.
    pub outcome: Outcome,
}

/// How a transfer ends.
#[derive(Debug)]
pub struct Outcome(Kind);

#[derive(Debug)]
enum Kind {
    Plain(Arc<Link>, Direction),
    Task(watch::Receiver<Option<Result<(), CallError>>>),
}

/// Tells the outcome of a task. Dropping it untold says that the transfer was cut off.
#[derive(Debug, Default)]
pub(super) struct Teller(watch::Sender<Option<Result<(), CallError>>>);

// === impl Transfer ===

impl Transfer {
    /// Nothing lies between the client and the driver.
    pub(super) fn plain(socket: OwnedFd, link: Arc<Link>, direction: Direction) -> Self {
        Self {
            socket,
            work: None,
            outcome: Outcome(Kind::Plain(link, direction)),
        }
    }

    /// A task lies between the driver and whoever is at the other end.
    pub(super) fn task<F>(socket: OwnedFd, work: impl FnOnce(Teller) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let teller = Teller::default();
        let outcome = Outcome(Kind::Task(teller.0.subscribe()));
        Self {
            socket,
            work: Some(Box::pin(work(teller))),
            outcome,
        }
    }
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfer")
            .field("socket", &self.socket)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

// === impl Outcome ===

impl Outcome {
    /// Waits for the end of the transfer.
    ///
    /// # Errors
    ///
    /// Why the data is not whole.
    pub async fn wait(self) -> Result<(), CallError> {
        match self.0 {
            Kind::Plain(link, Direction::Write) => link
                .served()
                .await
                .map_err(|Gone| gone("before it had taken all of the data")),
            Kind::Plain(link, _) => link
                .whole()
                .await
                .map_err(|Gone| gone("before it had sent all of its data")),
            Kind::Task(mut told) => match told.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
                Err(_) => Err(CallError::new(Code::Cancelled, "the transfer was given up")),
            },
        }
    }

    /// Whether [`wait`](Self::wait) would have an answer at once.
    pub fn is_over(&self) -> bool {
        match &self.0 {
            Kind::Plain(link, _) => link.is_gone(),
            Kind::Task(told) => told.borrow().is_some() || told.has_changed().is_err(),
        }
    }
}

// === impl Teller ===

impl Teller {
    pub(super) fn tell(&self, outcome: Result<(), CallError>) {
        self.0.send_replace(Some(outcome));
    }
}

/// The client went away.
pub(super) fn gone(when: &str) -> CallError {
    CallError::new(Code::Cancelled, format!("the client went away {when}"))
}

/// The driver went away.
pub(super) fn left() -> CallError {
    CallError::new(Code::Cancelled, "the driver closed the data early")
}
