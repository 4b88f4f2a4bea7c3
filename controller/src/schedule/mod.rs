//! Who gets what: without clocks and without I/O, always the same for the same lab.
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
//! then the longest wait. Whoever cannot be served lets others pass, but nobody takes an exporter that
//! somebody before him in the queue could have had. Among exporters that are equally good, the one
//! that has rested longest is taken.

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

/// A lab, as it is at one moment. Only what is in the queue's namespace is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// All exporters.
    pub exporters: &'a HashMap<Uid, Arc<Exporter>>,
    /// All clients.
    pub clients: &'a HashMap<Uid, Arc<Client>>,
    /// All access policies; none at all in a namespace allow everything there.
    pub policies: &'a HashMap<Uid, Arc<Policy>>,
    /// The exporters that are leased, and their leases.
    pub held: &'a HashMap<Uid, Uid>,
    /// When exporters were leased last.
    pub used: &'a HashMap<Uid, Time>,
}

/// What is to be done about a waiting lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It begins, on this exporter.
    Grant {
        /// Which lease.
        lease: Uid,
        /// What it gets.
        exporter: Uid,
        /// Of the rule that grants it.
        priority: i64,
    },
    /// It ends, since nothing can be had.
    Refuse {
        /// Which lease.
        lease: Uid,
        /// Why.
        why: Arc<Refusal>,
    },
}

/// Whether a client may have this exporter for so long.
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
    /// Whether this exporter is there.
    fn is_connected(&self, exporter: Uid) -> bool {
        let exporter = self.exporters.get(&exporter);
        exporter.is_some_and(|exporter| exporter.online && exporter.is_registered())
    }

    /// Whether nobody has it.
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
