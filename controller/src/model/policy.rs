//! Access policies: who may use what, for how long, and who comes first.

use std::time::Duration;

use jumpstarter_proto::selector::Selector;

use super::{Key, Time, Uid};

/// Rules for some of the exporters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// This incarnation.
    pub uid: Uid,
    /// Its name.
    pub key: Key,
    /// The exporters it is about; empty is all.
    pub exporters: Selector,
    /// Each by itself grants.
    pub rules: Vec<Rule>,
    /// Grows with every change.
    pub generation: i64,
    /// When it was made.
    pub created: Time,
}

/// Grants some clients the use of the policy's exporters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Shown to those whom it does not grant anything.
    pub description: String,
    /// Higher comes first.
    pub priority: i64,
    /// The clients; each selector by itself is enough, none at all is nobody.
    pub from: Vec<Selector>,
    /// No longer than this.
    pub maximum: Option<Duration>,
    /// Only while nobody else wants it.
    pub spot: bool,
}
