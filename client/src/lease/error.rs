//! Why there is no lease.

use std::time::Duration;

use jumpstarter_proto::names::NameError;
use thiserror::Error;
use tonic::Status;

use crate::controller::describe;

/// Why the controller did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    /// It refused, or could not be reached.
    #[error("{}", describe(.0))]
    Refused(Box<Status>),
    /// Whether it has made the lease is not known, because its answer got lost again and again.
    #[error(
        "{}; lease `{lease}` may exist all the same: `jmp delete leases {lease}` gives it back",
        describe(status)
    )]
    Unclear {
        /// What the lease would be called.
        lease: String,
        /// What came instead of an answer.
        status: Box<Status>,
    },
    /// What it answered makes no sense.
    #[error("the controller shows a lease with an unusable name: {0}")]
    Answer(#[from] NameError),
}

/// Why a lease that exists cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TakeError {
    /// The controller does not tell.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// It is over.
    #[error("lease {0} has already ended")]
    Ended(String),
    /// It is somebody else's.
    #[error("lease {lease} belongs to client '{owner}', not the current client '{client}'")]
    NotOurs {
        /// The lease.
        lease: String,
        /// Whose it is.
        owner: String,
        /// Who asked.
        client: String,
    },
}

/// Why a lease holds no exporter.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// It took too long.
    #[error("lease {lease} acquisition timed out after {} seconds", .patience.as_secs())]
    TimedOut {
        /// The lease.
        lease: String,
        /// How long it took.
        patience: Duration,
    },
    /// No exporter will ever do.
    #[error("the lease cannot be satisfied: {0}")]
    Unsatisfiable(String),
    /// It makes no sense.
    #[error("the lease is invalid: {0}")]
    Invalid(String),
    /// The controller contradicts itself.
    #[error("Lease {0} is not in pending, but it isn't in Ready or Unsatisfiable state either")]
    NotPending(String),
    /// It ended while somebody waited for it.
    #[error("lease {lease}: {why}")]
    Over {
        /// The lease.
        lease: String,
        /// Why it ended.
        why: String,
    },
    /// It had to be asked for once more, and the controller refused.
    #[error(transparent)]
    Ask(#[from] AskError),
}

// === impl AskError ===

impl From<Status> for AskError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl AskError {
    /// What the controller, or the way to it, said.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused(status) | Self::Unclear { status, .. } => Some(status),
            Self::Answer(_) => None,
        }
    }
}
