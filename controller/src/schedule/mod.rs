//! Which lease gets which exporter: without clocks and I/O, and always the same for the same lab.
//!
//! ```text
//!  waiting lease ──► candidates: pin or selector, enabled ──► grants: access policies
//!                         │ none: Refusal                        │ none: Refusal
//!                                                                ▼
//!        Waiting ◄── none ── online ── none ── not leased ── none ── ready ──► Grant
//!        Offline                   NotAvailable         NotReady
//! ```
//!
//! Leases are served in the order of the [`Queue`]: the highest priority that any policy grants them,
//! then the longest wait. A lease that cannot be served lets others pass, but none takes an exporter
//! that a lease before it could have had. Among exporters that are equally good, the one with the
//! longest rest is taken.

mod answer;
mod bits;
mod board;
mod grant;
#[cfg(test)]
pub(crate) mod plain;
mod position;
mod queue;
mod refusal;
mod request;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Client, Exporter, Policy, Time, Uid};

pub use position::{QueuePosition, Waiting};
pub use queue::Queue;
pub use refusal::Refusal;

/// A lab at one moment. Only the queue's namespace matters.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub exporters: &'a HashMap<Uid, Arc<Exporter>>,
    pub clients: &'a HashMap<Uid, Arc<Client>>,
    /// All access policies; a namespace without any allows everything.
    pub policies: &'a HashMap<Uid, Arc<Policy>>,
    /// The leased exporters, with their leases.
    pub held: &'a HashMap<Uid, Uid>,
    /// When each exporter was last leased.
    pub used: &'a HashMap<Uid, Time>,
}

/// What is to be done about a waiting lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It begins, on this exporter.
    Grant {
        lease: Uid,
        exporter: Uid,
        /// The priority of the rule that grants it.
        priority: i64,
    },
    /// It ends, since it can never get an exporter.
    Refuse { lease: Uid, why: Arc<Refusal> },
}

/// Whether policies allow a client this exporter for this length.
pub fn allows(
    policies: &[&Policy],
    exporter: &Exporter,
    client: Option<&Client>,
    length: std::time::Duration,
) -> bool {
    let standings = grant::standings(policies.iter().copied(), client, length);
    grant::judge(policies.iter().copied(), &standings, exporter).is_some()
}

// === impl Snapshot ===

impl Snapshot<'_> {
    /// Whether it is online and registered.
    fn is_connected(&self, exporter: Uid) -> bool {
        let exporter = self.exporters.get(&exporter);
        exporter.is_some_and(|exporter| exporter.online && exporter.is_registered())
    }

    /// Whether no lease has it.
    fn is_free(&self, exporter: Uid) -> bool {
        !self.held.contains_key(&exporter)
    }

    /// Whether a lease could begin on it now.
    fn is_open(&self, exporter: Uid) -> bool {
        let ready = self.exporters.get(&exporter);
        self.is_connected(exporter)
            && self.is_free(exporter)
            && ready.is_some_and(|exporter| exporter.is_ready())
    }
}

#[cfg(test)]
mod tests;
