//! What a lease asks for, as far as the schedule is concerned.

use std::sync::Arc;

use jumpstarter_proto::selector::Selector;

use super::grant::{self, Standing};
use crate::model::{Client, Lease, Policy};

/// Everything that decides which exporters a lease may have, apart from the exporters themselves.
/// Leases with equal requests share one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LeaseRequest {
    pub(super) selector: Selector,
    pub(super) pinned: Option<String>,
    pub(super) allow_disabled: bool,
    /// What each policy rule says to the owner.
    pub(super) standings: Vec<Standing>,
}

// === impl LeaseRequest ===

impl LeaseRequest {
    pub(super) fn of(lease: &Lease, owner: Option<&Client>, policies: &[Arc<Policy>]) -> Self {
        let window = match (lease.not_before, lease.not_after) {
            (Some(begin), Some(end)) => Some(end.since(begin)),
            _ => None,
        };
        let length = lease.duration.or(window).unwrap_or_default();
        Self {
            selector: lease.selector.clone(),
            pinned: lease.pinned.clone(),
            allow_disabled: lease.allow_disabled,
            standings: grant::standings(policies.iter().map(AsRef::as_ref), owner, length),
        }
    }
}
