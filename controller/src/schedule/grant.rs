//! What access policies grant: an exporter, with a priority.

use std::time::Duration;

use crate::model::{Client, Exporter, Policy, Rule};

/// What a rule says to a client for a lease of some length. Nothing else of the client and the length
/// matters to the schedule, so leases of different clients often have equal requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// The rule grants it.
    Granted,
    /// The rule would grant a shorter lease.
    TooLong,
    /// The rule is not for this client.
    ForOthers,
}

/// The best grant of an exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    /// Whether it lasts, and not only until another client wants the exporter. Counts for more than any
    /// priority.
    pub(super) lasting: bool,
    pub(super) priority: i64,
}

/// A rule about an exporter, and what it says to the client.
type Word<'a> = (&'a Rule, Standing);

/// What every rule says, in order. A client that has been deleted has no labels.
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

/// The best grant of an exporter; without any policies, everything is granted.
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

/// The rules about an exporter and what they say, in order.
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
