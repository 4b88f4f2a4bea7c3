//! What a lease may have. Leases that ask for the same get the same answer, which is worked out once:
//! a queue of ten thousand usually asks for a few dozen things.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use jumpstarter_proto::selector::{Requirement, Selector, Test};

use super::grant::{Grant, judge};
use super::{Refusal, Snapshot};
use crate::model::{Exporter, Lease};

/// All that the answer depends on.
#[derive(PartialEq, Eq, Hash)]
struct Ask<'a> {
    selector: &'a Selector,
    pinned: Option<&'a str>,
    allow_disabled: bool,
    owner: &'a str,
    length: Duration,
}

type Answer<'a> = Result<Rc<[Grant<'a>]>, Refusal>;

/// The answers so far.
pub(super) struct Asks<'a> {
    snapshot: &'a Snapshot<'a>,
    answers: HashMap<Ask<'a>, Answer<'a>>,
    by_name: HashMap<&'a str, &'a Exporter>,
    /// Exporters by label and value.
    by_label: HashMap<(&'a str, &'a str), Vec<&'a Exporter>>,
}

// === impl Ask ===

impl<'a> Ask<'a> {
    fn of(lease: &'a Lease) -> Self {
        let window = match (lease.not_before, lease.not_after) {
            (Some(begin), Some(end)) => Some(end.since(begin)),
            _ => None,
        };
        Self {
            selector: &lease.selector,
            pinned: lease.pinned.as_deref(),
            allow_disabled: lease.allow_disabled,
            owner: &lease.owner,
            length: lease.duration.or(window).unwrap_or_default(),
        }
    }
}

// === impl Asks ===

impl<'a> Asks<'a> {
    pub(super) fn new(snapshot: &'a Snapshot<'a>) -> Self {
        let mut by_name = HashMap::with_capacity(snapshot.exporters.len());
        let mut by_label: HashMap<_, Vec<_>> = HashMap::new();
        for &exporter in &snapshot.exporters {
            by_name.insert(exporter.key.name.as_str(), exporter);
            let told = exporter.told.iter();
            let set = exporter.labels.iter();
            for (key, value) in told.chain(set.filter(|(key, _)| !exporter.told.contains_key(*key)))
            {
                by_label
                    .entry((key.as_str(), value.as_str()))
                    .or_default()
                    .push(exporter);
            }
        }
        Self {
            snapshot,
            answers: HashMap::new(),
            by_name,
            by_label,
        }
    }

    /// The exporters that this lease may have, in any state, or why there are none.
    pub(super) fn grants(&mut self, lease: &'a Lease) -> Answer<'a> {
        let ask = Ask::of(lease);
        if let Some(answer) = self.answers.get(&ask) {
            return answer.clone();
        }
        let answer = self
            .candidates(&ask)
            .and_then(|candidates| self.judge(&ask, &candidates));
        self.answers.insert(ask, answer.clone());
        answer
    }

    fn candidates(&self, ask: &Ask<'a>) -> Result<Vec<&'a Exporter>, Refusal> {
        match ask.pinned {
            Some(name) => self.pinned(ask, name).map(|exporter| vec![exporter]),
            None if ask.selector.is_empty() => Err(Refusal::NoSelector),
            None => {
                let mut matching = self.matching(ask.selector);
                let count = matching.len();
                matching.retain(|exporter| exporter.enabled);
                if matching.is_empty() && count > 0 {
                    return Err(Refusal::AllDisabled { count });
                }
                Ok(matching)
            }
        }
    }

    fn pinned(&self, ask: &Ask<'a>, name: &str) -> Result<&'a Exporter, Refusal> {
        let named = || name.to_owned();
        let Some(&exporter) = self.by_name.get(name) else {
            return Err(Refusal::NotFound { exporter: named() });
        };
        if !ask.selector.matches(|key| exporter.label(key)) {
            return Err(Refusal::Mismatch {
                exporter: named(),
                selector: ask.selector.to_string(),
            });
        }
        if !exporter.enabled && !ask.allow_disabled {
            return Err(Refusal::Disabled { exporter: named() });
        }
        Ok(exporter)
    }

    /// Looks only at those that have the rarest of the labels it wants.
    fn matching(&self, selector: &'a Selector) -> Vec<&'a Exporter> {
        let with_label = |requirement: &'a Requirement| match &requirement.test {
            Test::Equals(value) => {
                let exporters = self
                    .by_label
                    .get(&(requirement.key.as_str(), value.as_str()));
                Some(exporters.map_or(&[][..], Vec::as_slice))
            }
            _ => None,
        };
        let rarest = selector
            .requirements()
            .iter()
            .filter_map(with_label)
            .min_by_key(|exporters| exporters.len());
        rarest
            .unwrap_or(&self.snapshot.exporters)
            .iter()
            .copied()
            .filter(|exporter| selector.matches(|key| exporter.label(key)))
            .collect()
    }

    fn judge(&self, ask: &Ask<'a>, candidates: &[&'a Exporter]) -> Answer<'a> {
        let client = self.snapshot.clients.get(ask.owner).copied();
        let mut grants = Vec::with_capacity(candidates.len());
        let mut others = Vec::new();
        let mut seen = BTreeSet::new();
        let mut too_long = false;
        for exporter in candidates {
            let verdict = judge(&self.snapshot.policies, exporter, client, ask.length);
            grants.extend(verdict.grant);
            too_long |= verdict.too_long;
            let new = verdict.others.into_iter().filter(|text| seen.insert(*text));
            others.extend(new.map(str::to_owned));
        }
        if grants.is_empty() {
            return Err(Refusal::NoAccess {
                count: candidates.len(),
                too_long,
                others,
            });
        }
        if grants.iter().all(|grant| grant.spot) {
            return Err(Refusal::OnlySpot {
                count: grants.len(),
            });
        }
        grants.retain(|grant| !grant.spot);
        Ok(grants.into())
    }
}
