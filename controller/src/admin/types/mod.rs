//! What goes over the wire between administrators' commands and the controller, as JSON.

mod credentials;
mod lab;
mod leases;
mod objects;

use serde::{Deserialize, Serialize};

pub use credentials::{
    ImportedKey, IssuedToken, KeyView, NewToken, NewUser, Revoked, TokenView, UserView,
};
pub use lab::{About, BackupTo, Everything, Imported, RecordView};
pub use leases::{ConditionView, LeaseAlteration, LeaseView, NewLeaseBody};
pub use objects::{Alteration, ClientView, DeviceView, ExporterView, NewObject, PolicyView};

/// The body of a refusal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// One word for programs, as in Kubernetes: `NotFound`, `AlreadyExists`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}
