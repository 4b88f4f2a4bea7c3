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

/// What the policies say of one exporter.
#[derive(Debug, Default)]
pub(super) struct Verdict<'a> {
    pub(super) offer: Option<Offer>,
    /// A rule would grant it for a shorter time.
    pub(super) too_long: bool,
    /// What rules for others say of themselves.
    pub(super) others: Vec<&'a str>,
}

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

/// Asks all policies about an exporter.
pub(super) fn judge<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    standings: &[Standing],
    exporter: &Exporter,
) -> Verdict<'a> {
    let mut policies = policies.peekable();
    let mut verdict = Verdict::default();
    if policies.peek().is_none() {
        verdict.offer = Some(Offer {
            lasting: true,
            priority: 0,
        });
    }
    let mut rest = standings;
    for policy in policies {
        let (standings, later) = rest.split_at(policy.rules.len());
        rest = later;
        if !policy.exporters.matches(|key| exporter.label(key)) {
            continue;
        }
        for (rule, standing) in policy.rules.iter().zip(standings) {
            match standing {
                Standing::Granted => {
                    let offer = Offer {
                        lasting: !rule.spot,
                        priority: rule.priority,
                    };
                    verdict.offer = verdict.offer.max(Some(offer));
                }
                Standing::TooLong => verdict.too_long = true,
                Standing::ForOthers if rule.description.is_empty() => {}
                Standing::ForOthers => verdict.others.push(&rule.description),
            }
        }
    }
    verdict
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
