//! What clients can ask for, one file per service.
//!
//! ```text
//!   Connection: known path? passphrase? ──────────┬─> exporter    jumpstarter.v1.ExporterService
//!                                                 ├─> router      jumpstarter.v1.RouterService
//!                                                 ├─> health      grpc.health.v1.Health
//!                                                 └─> reflection  grpc.reflection.v1, v1alpha
//! ```

mod call;
mod deadline;
mod errors;
mod exporter;
mod ids;
mod operation;
mod passphrase;
mod reflection;
mod route;
mod router;
mod rpc;
mod values;

pub use passphrase::Passphrase;
pub use rpc::{Connection, Rpc};
