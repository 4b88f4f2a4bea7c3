//! Leases.

use std::time::Duration;

use jumpstarter_proto::selector::{Selector, Test};

use super::{Conditions, Key, Labels, Time, Uid};

/// The prefix that makes a tag a label.
pub const TAG_PREFIX: &str = "metadata.jumpstarter.dev/";
/// The label that leases get when they have ended.
pub const ENDED_LABEL: &str = "jumpstarter.dev/lease-ended";

/// A client's right to an exporter for some time, or its request for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub uid: Uid,
    pub key: Key,
    /// The name of the client that owns it, in the same namespace.
    pub owner: String,
    /// Selects exporters by their labels; may be empty if one is pinned.
    pub selector: Selector,
    /// The name of the only exporter that will do.
    pub pinned: Option<String>,
    /// Whether the pinned exporter may be disabled.
    pub allow_disabled: bool,
    /// The length it was asked for.
    pub duration: Option<Duration>,
    /// When it may begin.
    pub not_before: Option<Time>,
    /// When it has to end.
    pub not_after: Option<Time>,
    /// The owner's labels, to find it by.
    pub tags: Labels,
    /// Fields for the log lines of all parties.
    pub context: Labels,
    pub state: LeaseState,
    /// The exporter it got; kept after the end.
    pub exporter: Option<ExporterRef>,
    /// When it began.
    pub began: Option<Time>,
    pub ended: Option<Time>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// The priority of the policy rule that granted it; higher comes first.
    pub priority: i64,
    /// Since when it waits in the queue, which is its place there.
    pub eligible_since: Option<Time>,
    /// What clients are told.
    pub conditions: Conditions,
    /// Counts the changes of what is asked for.
    pub generation: i64,
    pub created: Time,
}

/// The stages of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// It is not to begin yet.
    Scheduled,
    /// It waits for an exporter.
    Pending,
    /// It has an exporter.
    Active,
    Ended,
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Somebody released it.
    Released,
    /// Its time is up.
    Expired,
    /// No exporter could ever be had for it.
    Unsatisfiable,
    /// It asked for nothing.
    Invalid,
    /// Its exporter or client was deleted.
    Deleted,
}

/// The exporter of a lease, which may have been deleted since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExporterRef {
    pub uid: Uid,
    pub name: String,
}

// === impl Lease ===

impl Lease {
    pub fn has_ended(&self) -> bool {
        self.state == LeaseState::Ended
    }

    /// When it will end, or would have; `None` before it has begun.
    pub fn end(&self) -> Option<Time> {
        let began = self.began?;
        if self.not_after.is_some() {
            return self.not_after;
        }
        // If it began later than asked for, it does not end later.
        let from = self.not_before.unwrap_or(began);
        self.duration.map(|duration| from.after(duration))
    }

    /// The labels that lists are filtered by: those it asked for, its tags, and whether it has ended.
    pub fn labels(&self) -> Labels {
        let mut labels = Labels::new();
        for requirement in self.selector.requirements() {
            if let Test::Equals(value) = &requirement.test
                && !requirement.key.starts_with(TAG_PREFIX)
            {
                labels.insert(requirement.key.clone(), value.clone());
            }
        }
        for (key, value) in &self.tags {
            labels.insert(format!("{TAG_PREFIX}{key}"), value.clone());
        }
        if self.has_ended() {
            labels.insert(ENDED_LABEL.to_owned(), "true".to_owned());
        }
        labels
    }

    /// How long it has held its exporter.
    pub fn held(&self, now: Time) -> Option<Duration> {
        self.began
            .map(|began| self.ended.unwrap_or(now).since(began))
    }
}
