//! Why the lab refuses a change. Services turn these into the codes and texts of the wire.

use std::sync::Arc;

use crate::model::{Key, WindowError};
use crate::store::StoreError;

/// A change that was refused; nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LabError {
    /// There is no such object.
    #[error("{plural}.jumpstarter.dev \"{name}\" not found")]
    NotFound {
        /// `exporters`, `clients`, `leases`, `policies`.
        plural: &'static str,
        /// Its name.
        name: String,
    },
    /// The name is taken, perhaps by a lease that has ended.
    #[error("{plural}.jumpstarter.dev \"{name}\" already exists")]
    Exists {
        /// `exporters`, `clients`, `leases`, `policies`.
        plural: &'static str,
        /// Its name.
        name: String,
    },
    /// Somebody else's lease.
    #[error("{what} permission denied")]
    NotOwner {
        /// The call: `UpdateLease`.
        what: &'static str,
    },
    /// Another exporter's lease, or nobody's.
    #[error("lease {lease} is not held by exporter {exporter}")]
    NotHolder {
        /// The lease.
        lease: String,
        /// Who says so.
        exporter: String,
    },
    /// It has been given back before.
    #[error("lease \"namespaces/{}/leases/{}\" has already been released", .0.namespace, .0.name)]
    AlreadyReleased(Key),
    /// It is over.
    #[error("lease has ended")]
    Ended,
    /// Its times make no sense.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// The beginning of a lease that has begun.
    #[error("cannot update BeginTime: lease has already started")]
    Started,
    /// It cannot go to somebody else.
    #[error("{0}")]
    Transfer(String),
    /// The selector, a name, a label or the context breaks the rules for it.
    #[error("{0}")]
    Invalid(String),
    /// The tags of a new lease break the rules for tags.
    #[error("{0}")]
    Tags(String),
    /// A policy does not allow it.
    #[error("{0}")]
    Policy(String),
    /// The database refuses; nothing in this batch has changed.
    #[error("the database is not available: {0}")]
    Store(#[source] Arc<StoreError>),
    /// It takes too long. It may still happen.
    #[error("the controller is too busy; look whether it has happened, then try again")]
    Busy,
    /// An owner has as many leases as it may have.
    #[error("client {owner} has {most} open leases, and may have no more; end some of them first")]
    TooMany {
        /// Whose they are.
        owner: String,
        /// How many there may be.
        most: usize,
    },
    /// The program is about to end.
    #[error("the controller is shutting down")]
    Stopping,
}
