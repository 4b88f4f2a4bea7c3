//! Why the lab refuses a change. Services turn these into the codes and texts of the wire.

use std::sync::Arc;

use crate::model::{Key, WindowError};
use crate::store::StoreError;

/// Why a change was refused. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LabError {
    /// There is no such object.
    #[error("{plural}.jumpstarter.dev \"{name}\" not found")]
    NotFound {
        /// `exporters`, `clients`, `leases`, `policies`.
        plural: &'static str,
        name: String,
    },
    /// The name is taken, perhaps by a lease that has ended.
    #[error("{plural}.jumpstarter.dev \"{name}\" already exists")]
    Exists {
        /// `exporters`, `clients`, `leases`, `policies`.
        plural: &'static str,
        name: String,
    },
    /// The lease belongs to another client.
    #[error("{what} permission denied")]
    NotOwner {
        /// The call: `UpdateLease`.
        what: &'static str,
    },
    /// The exporter does not serve this lease.
    #[error("lease {lease} is not held by exporter {exporter}")]
    NotHolder {
        lease: String,
        /// The exporter that called.
        exporter: String,
    },
    /// The lease was released before.
    #[error("lease \"namespaces/{}/leases/{}\" has already been released", .0.namespace, .0.name)]
    AlreadyReleased(Key),
    /// The lease has ended.
    #[error("lease has ended")]
    Ended,
    /// The times of the lease make no sense.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// A lease that has begun cannot begin at another time.
    #[error("cannot update BeginTime: lease has already started")]
    Started,
    /// The lease cannot be handed over to that client.
    #[error("{0}")]
    Transfer(String),
    /// The selector, a name, a label or the context breaks the rules for it.
    #[error("{0}")]
    Invalid(String),
    /// The tags of a new lease break the rules for tags.
    #[error("{0}")]
    Tags(String),
    /// No policy allows it.
    #[error("{0}")]
    Policy(String),
    /// The database refuses; nothing in this batch has changed.
    #[error("the database is not available: {0}")]
    Store(#[source] Arc<StoreError>),
    /// It takes too long, and may still happen.
    #[error("the controller is too busy; look whether it has happened, then try again")]
    Busy,
    /// The owner has as many open leases as it may have.
    #[error("client {owner} has {most} open leases, and may have no more; end some of them first")]
    TooMany {
        owner: String,
        /// How many it may have.
        most: usize,
    },
    /// The program is stopping.
    #[error("the controller is shutting down")]
    Stopping,
}
