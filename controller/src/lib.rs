//! Controller and router in one program, without Kubernetes.
//!
//! ```text
//!  exporters ─┐                                            ┌─ store: SQLite, one writer
//!             ├─► service (gRPC, HTTP) ─► identity ─► lab ─┤
//!  clients ───┘        │                              │    └─ schedule: who gets what, a pure function
//!                      └─► router: pairs of byte streams
//! ```
//!
//! The **lab** owns the current objects: exporters, clients, policies, leases that have not ended. It
//! changes one step at a time, and reports a change as done when it is in the database.

#![forbid(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod dial;
pub mod http;
pub mod identity;
pub mod lab;
pub mod log;
pub mod model;
pub mod router;
pub mod schedule;
pub mod serve;
pub mod service;
pub mod store;
pub mod tls;
