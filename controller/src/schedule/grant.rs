//! What access policies grant: an exporter, with a priority.

use std::time::Duration;

use crate::model::{Client, Exporter, Policy, Rule};

/// What a rule says to somebody who wants something for so long. All that a rule knows of a client
/// and of the length of a lease is in it, so that leases of different clients are often alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// He may.
    Granted,
    /// He might, for a shorter time.
    TooLong,
    /// It is not about him.
    ForOthers,
}

/// The best that a rule offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    /// Not only until somebody else wants it. Counts for more than any priority.
    pub(super) lasting: bool,
    pub(super) priority: i64,
}

/// What a rule that is about an exporter says, and what it says to somebody.
type Word<'a> = (&'a Rule, Standing);

/// What every rule says, in order; a client that has been deleted has no labels.
pub(super) fn standings<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    client: Option<&Client>,
    length: Duration,
) -> Vec<Standing> {
    policies
        .flat_map(|policy| &policy.rules)
        .map(|rule| rule.standing(client, length))
        .collect()
}

/// The best that policies offer somebody of an exporter; none at all offer everything.
pub(super) fn judge<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    standings: &[Standing],
    exporter: &Exporter,
) -> Option<Offer> {
    let mut policies = policies.peekable();
    if policies.peek().is_none() {
        return Some(Offer {
            lasting: true,
            priority: 0,
        });
    }
    words(policies, standings, exporter)
        .filter(|(_, standing)| *standing == Standing::Granted)
        .map(|(rule, _)| Offer {
            lasting: !rule.spot,
            priority: rule.priority,
        })
        .max()
}

/// What every rule about an exporter says, in order.
pub(super) fn words<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    standings: &[Standing],
    exporter: &Exporter,
) -> impl Iterator<Item = Word<'a>> {
    let mut rest = standings;
    policies
        .filter_map(move |policy| {
            let (its, later) = rest.split_at(policy.rules.len());
            rest = later;
            let is_about = policy.exporters.matches(|key| exporter.label(key));
            is_about.then(|| policy.rules.iter().zip(its.iter().copied()))
        })
        .flatten()
}

// === impl Rule ===

impl Rule {
    fn standing(&self, client: Option<&Client>, length: Duration) -> Standing {
        let label =
            |key: &str| client.and_then(|client| client.labels.get(key).map(String::as_str));
        if !self.from.iter().any(|selector| selector.matches(label)) {
            return Standing::ForOthers;
        }
        match self.maximum {
            Some(most) if length > most => Standing::TooLong,
            _ => Standing::Granted,
        }
    }
}
