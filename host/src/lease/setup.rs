//! What does not change while the exporter lives.

use std::time::Duration;

use crate::config::{Hook, Hooks, OnFailure};

/// What does not change while the exporter lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Who decides about leases.
    pub mode: Mode,
    /// The beforeLease hook, if there is one.
    pub before: Option<Rule>,
    /// The afterLease hook, if there is one.
    pub after: Option<Rule>,
    /// Whether to stop after the first lease.
    pub exit_on_lease_end: bool,
}

/// Who decides about leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The controller, by what it shows on the status stream.
    Controller,
    /// Nobody: one lease for everybody, as long as the process lives.
    Direct,
}

/// What has to be known about a hook to wait for it and to act on its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What its failure means.
    pub on_failure: OnFailure,
    /// How long it may take by its own clock.
    pub timeout: Duration,
}

// === impl Setup ===

impl Setup {
    /// Takes from the configuration what matters here.
    pub fn new(mode: Mode, hooks: &Hooks, exit_on_lease_end: bool) -> Self {
        Self {
            mode,
            before: hooks.before_lease.as_ref().map(Rule::from),
            after: hooks.after_lease.as_ref().map(Rule::from),
            exit_on_lease_end,
        }
    }

    /// Whether there is any hook.
    pub(super) fn has_hooks(&self) -> bool {
        self.before.is_some() || self.after.is_some()
    }

    /// Whether nobody decides about leases.
    pub(super) fn is_direct(&self) -> bool {
        self.mode == Mode::Direct
    }
}

// === impl Rule ===

impl From<&Hook> for Rule {
    fn from(hook: &Hook) -> Self {
        Self {
            on_failure: hook.on_failure,
            // A negative timeout is allowed in the file and is over at once.
            timeout: Duration::from_secs(u64::try_from(hook.timeout).unwrap_or(0)),
        }
    }
}
