//! What access policies grant: an exporter, with a priority.

use crate::model::{Client, Exporter, Policy, Rule};

/// A rule lets a client have an exporter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant<'a> {
    pub(super) exporter: &'a Exporter,
    pub(super) priority: i64,
    pub(super) spot: bool,
}

/// What the policies say of one exporter and one client.
#[derive(Debug, Default)]
pub(super) struct Verdict<'a> {
    /// The best rule that grants it.
    pub(super) grant: Option<Grant<'a>>,
    /// A rule would grant it for a shorter time.
    pub(super) too_long: bool,
    /// What rules for others say of themselves.
    pub(super) others: Vec<&'a str>,
}

/// Asks all policies; a client that has been deleted has no labels.
pub(super) fn judge<'a>(
    policies: &[&'a Policy],
    exporter: &'a Exporter,
    client: Option<&Client>,
    length: std::time::Duration,
) -> Verdict<'a> {
    if policies.is_empty() {
        return Verdict {
            grant: Some(Grant {
                exporter,
                priority: 0,
                spot: false,
            }),
            ..Verdict::default()
        };
    }
    let mut verdict = Verdict::default();
    let about_it = |policy: &&&Policy| policy.exporters.matches(|key| exporter.label(key));
    for rule in policies
        .iter()
        .filter(about_it)
        .flat_map(|policy| &policy.rules)
    {
        if !rule.is_for(client) {
            if !rule.description.is_empty() {
                verdict.others.push(&rule.description);
            }
        } else if rule.maximum.is_some_and(|most| length > most) {
            verdict.too_long = true;
        } else {
            verdict.offer(Grant {
                exporter,
                priority: rule.priority,
                spot: rule.spot,
            });
        }
    }
    verdict
}

// === impl Verdict ===

impl<'a> Verdict<'a> {
    /// Keeps the better one: not on sufferance, then the higher priority.
    fn offer(&mut self, grant: Grant<'a>) {
        let worth = |grant: &Grant<'_>| (!grant.spot, grant.priority);
        if self
            .grant
            .as_ref()
            .is_none_or(|old| worth(&grant) > worth(old))
        {
            self.grant = Some(grant);
        }
    }
}

// === impl Rule ===

impl Rule {
    fn is_for(&self, client: Option<&Client>) -> bool {
        let label =
            |key: &str| client.and_then(|client| client.labels.get(key).map(String::as_str));
        self.from.iter().any(|selector| selector.matches(label))
    }
}
