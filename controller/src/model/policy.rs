//! Access policies: which clients may use which exporters, for how long, and who comes first.

use std::time::Duration;

use jumpstarter_proto::selector::Selector;

use super::{Key, Time, Uid};

/// Rules for some of the exporters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub uid: Uid,
    pub key: Key,
    /// The exporters it is about; an empty selector is all.
    pub exporters: Selector,
    /// Each rule grants by itself.
    pub rules: Vec<Rule>,
    /// Counts the changes.
    pub generation: i64,
    pub created: Time,
}

/// Grants the policy's exporters to some clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Shown to clients to whom the rule grants nothing.
    pub description: String,
    /// Leases with a higher one are served first.
    pub priority: i64,
    /// Selects the clients; one match is enough, and no selectors select nobody.
    pub from: Vec<Selector>,
    /// The longest lease it grants.
    pub maximum: Option<Duration>,
    /// Whether it grants only until another client wants the exporter.
    pub spot: bool,
}
