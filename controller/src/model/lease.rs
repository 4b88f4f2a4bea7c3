//! Leases.

use std::time::Duration;

use jumpstarter_proto::selector::{Selector, Test};

use super::{Conditions, Key, Labels, Time, Uid};

/// Tags are labels with this prefix.
pub const TAG_PREFIX: &str = "metadata.jumpstarter.dev/";
/// The label of leases that have ended.
pub const ENDED_LABEL: &str = "jumpstarter.dev/lease-ended";

/// Somebody's right to an exporter for a while, or the wish for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// This incarnation.
    pub uid: Uid,
    /// Its name.
    pub key: Key,
    /// The name of the client who has it, in the same namespace.
    pub owner: String,
    /// Which exporters will do; empty if one is pinned.
    pub selector: Selector,
    /// The one exporter that will do.
    pub pinned: Option<String>,
    /// Whether the pinned one may be disabled.
    pub allow_disabled: bool,
    /// How long it was asked for.
    pub duration: Option<Duration>,
    /// Not before.
    pub not_before: Option<Time>,
    /// Not after.
    pub not_after: Option<Time>,
    /// Of the user, for finding it again.
    pub tags: Labels,
    /// For the logs of everybody who has to do with it.
    pub context: Labels,
    /// Where it stands.
    pub state: LeaseState,
    /// What it got; kept after the end.
    pub exporter: Option<ExporterRef>,
    /// When it got it.
    pub began: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// Why.
    pub end_reason: Option<EndReason>,
    /// Of the policy rule that granted it; higher comes first.
    pub priority: i64,
    /// Since when it waits in the queue.
    pub eligible_since: Option<Time>,
    /// What clients are told.
    pub conditions: Conditions,
    /// Grows with every change of what was asked for.
    pub generation: i64,
    /// When it was made.
    pub created: Time,
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// Its time has not come.
    Scheduled,
    /// It waits for an exporter.
    Pending,
    /// It has one.
    Active,
    /// It is over.
    Ended,
}

/// Why a lease is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Given back.
    Released,
    /// Its time is up.
    Expired,
    /// There is nothing for it.
    Unsatisfiable,
    /// It asked for nothing.
    Invalid,
    /// Its exporter or client was deleted.
    Deleted,
}

/// The exporter of a lease. The exporter may be gone by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExporterRef {
    /// Which incarnation.
    pub uid: Uid,
    /// Its name.
    pub name: String,
}

// === impl Lease ===

impl Lease {
    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        self.state == LeaseState::Ended
    }

    /// When it will end, or would have; nothing before it has begun.
    pub fn end(&self) -> Option<Time> {
        let began = self.began?;
        if self.not_after.is_some() {
            return self.not_after;
        }
        // With a wished beginning, coming late does not make it longer.
        let from = self.not_before.unwrap_or(began);
        self.duration.map(|duration| from.after(duration))
    }

    /// What lists are filtered by: the labels it asked for, its tags, and whether it has ended.
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

    /// How long it has been, or was.
    pub fn held(&self, now: Time) -> Option<Duration> {
        self.began
            .map(|began| self.ended.unwrap_or(now).since(began))
    }
}
