//! Who gets what: a pure function of what is true in one namespace.
//!
//! ```text
//!  waiting lease ──► candidates: pin or selector, enabled ──► grants: access policies
//!                         │ none: Refusal                        │ none: Refusal
//!                                                                ▼
//!        Waiting ◄── none ── online ── none ── not leased ── none ── ready ──► Grant
//!        Offline                   NotAvailable         NotReady
//! ```
//!
//! Leases are served in the order of the queue: the highest priority that any policy grants them, then
//! the longest wait. Whoever cannot be served lets others pass, but nobody takes an exporter that
//! somebody before him in the queue could have had. Among exporters that are equally good, the one
//! that has rested longest is taken.

mod ask;
mod grant;
mod place;
mod refusal;

use std::collections::{HashMap, HashSet};

use crate::model::{Client, Exporter, Lease, Policy, Time, Uid};

use ask::Asks;
use grant::Grant;
pub use place::{Place, Waiting};
pub use refusal::Refusal;

/// One namespace, as it is at one moment.
#[derive(Debug, Default)]
pub struct Snapshot<'a> {
    /// All exporters.
    pub exporters: Vec<&'a Exporter>,
    /// All clients by name.
    pub clients: HashMap<&'a str, &'a Client>,
    /// All access policies; none at all allow everything.
    pub policies: Vec<&'a Policy>,
    /// The leases that wait for an exporter now.
    pub waiting: Vec<&'a Lease>,
    /// The exporters that are leased.
    pub leased: HashSet<Uid>,
    /// When exporters were leased last.
    pub used: HashMap<Uid, Time>,
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
    /// It goes on waiting.
    Wait {
        /// Which lease.
        lease: Uid,
        /// What for.
        why: Waiting,
        /// How it looks for it.
        place: Place,
    },
    /// It ends, since nothing can be had.
    Refuse {
        /// Which lease.
        lease: Uid,
        /// Why.
        why: Refusal,
    },
}

/// A lease in the queue.
struct Queued<'a> {
    lease: &'a Lease,
    grants: std::rc::Rc<[Grant<'a>]>,
}

/// Decides about every waiting lease, in the order of the queue.
pub fn decide<'a>(snapshot: &'a Snapshot<'a>) -> Vec<Decision> {
    let mut decisions = Vec::with_capacity(snapshot.waiting.len());
    let mut asks = Asks::new(snapshot);
    let mut queue = Vec::with_capacity(snapshot.waiting.len());
    for &lease in &snapshot.waiting {
        match asks.grants(lease) {
            Ok(grants) => queue.push(Queued { lease, grants }),
            Err(why) => decisions.push(Decision::Refuse {
                lease: lease.uid,
                why,
            }),
        }
    }
    queue.sort_by_key(Queued::rank);
    let mut taken = snapshot.leased.clone();
    // How many before this one want the same exporters.
    let mut before = place::Crowd::default();
    for queued in &queue {
        let lease = queued.lease.uid;
        decisions.push(match queued.pick(snapshot, &taken) {
            Ok(grant) => {
                taken.insert(grant.exporter.uid);
                Decision::Grant {
                    lease,
                    exporter: grant.exporter.uid,
                    priority: grant.priority,
                }
            }
            Err(why) => Decision::Wait {
                lease,
                why,
                place: before.place(&queued.grants, &taken),
            },
        });
    }
    decisions
}

/// Whether a client may have this exporter for so long.
pub fn allows(
    policies: &[&Policy],
    exporter: &Exporter,
    client: Option<&Client>,
    length: std::time::Duration,
) -> bool {
    grant::judge(policies, exporter, client, length)
        .grant
        .is_some()
}

// === impl Queued ===

impl<'a> Queued<'a> {
    /// Smaller is served earlier.
    fn rank(&self) -> (std::cmp::Reverse<i64>, Time, Uid) {
        let best = self.grants.iter().map(|grant| grant.priority).max();
        let since = self.lease.eligible_since.unwrap_or(self.lease.created);
        (
            std::cmp::Reverse(best.unwrap_or_default()),
            since,
            self.lease.uid,
        )
    }

    /// The best exporter that it can have now.
    fn pick(&self, snapshot: &Snapshot<'_>, taken: &HashSet<Uid>) -> Result<&Grant<'a>, Waiting> {
        let online = |grant: &&Grant<'a>| grant.exporter.is_registered() && grant.exporter.online;
        let free = |grant: &&Grant<'a>| !taken.contains(&grant.exporter.uid);
        if !self.grants.iter().any(|grant| online(&grant)) {
            return Err(Waiting::Offline);
        }
        let mut open = self.grants.iter().filter(online).filter(free).peekable();
        if open.peek().is_none() {
            return Err(Waiting::NotAvailable);
        }
        open.filter(|grant| grant.exporter.is_ready())
            .min_by_key(|grant| {
                (
                    std::cmp::Reverse(grant.priority),
                    snapshot.used.get(&grant.exporter.uid).copied(),
                    &grant.exporter.key.name,
                )
            })
            .ok_or(Waiting::NotReady)
    }
}

#[cfg(test)]
mod tests;
