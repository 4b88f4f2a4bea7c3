//! The exporters that a request may ever have, in whatever state they are, or why there are none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bits::Bits;
use super::board::Board;
use super::grant::{Offer, Standing, judge, words};
use super::request::LeaseRequest;
use super::{Refusal, Snapshot};
use crate::model::{Policy, Rule, Uid};

/// The exporters that a request may have, by their numbers on the board.
#[derive(Debug)]
pub(super) struct Grants {
    /// With the priority of the rule that grants each; ordered by name, never empty.
    pub(super) all: Vec<(usize, i64)>,
    /// The same exporters as a set.
    pub(super) set: Bits,
    /// The highest priority.
    pub(super) best: i64,
}

/// Shared by all leases with the same request.
pub(super) type Answer = Result<Arc<Grants>, Arc<Refusal>>;

/// Finds the exporters that match, and asks the policies about each.
pub(super) fn answer(request: &LeaseRequest, board: &Board, policies: &[Arc<Policy>]) -> Answer {
    let candidates = match &request.pinned {
        Some(name) => {
            let pinned = board.pin(name, &request.selector, request.allow_disabled);
            pinned.map(|number| vec![number])
        }
        None => board.select(&request.selector),
    };
    candidates
        .and_then(|candidates| approved(request, board, policies, &candidates))
        .map(Arc::new)
        .map_err(Arc::new)
}

fn approved(
    request: &LeaseRequest,
    board: &Board,
    policies: &[Arc<Policy>],
    candidates: &[usize],
) -> Result<Grants, Refusal> {
    let policies = || policies.iter().map(AsRef::as_ref);
    let offer = |number: &usize| {
        let offer = judge(policies(), &request.standings, board.at(*number))?;
        Some((*number, offer))
    };
    let mut offers: Vec<(usize, Offer)> = candidates.iter().filter_map(offer).collect();
    if offers.is_empty() {
        let words = candidates
            .iter()
            .flat_map(|number| words(policies(), &request.standings, board.at(*number)));
        return Err(no_access(candidates.len(), words));
    }
    let count = offers.len();
    offers.retain(|(_, offer)| offer.lasting);
    let best = offers.iter().map(|(_, offer)| offer.priority).max();
    let best = best.ok_or(Refusal::OnlySpot { count })?;
    let mut set = Bits::none(board.len());
    for (number, _) in &offers {
        set.insert(*number);
    }
    let with_priority = |(number, offer): (usize, Offer)| (number, offer.priority);
    Ok(Grants {
        all: offers.into_iter().map(with_priority).collect(),
        set,
        best,
    })
}

/// Why no rule grants anything, in the words of the rules.
fn no_access<'a>(count: usize, words: impl Iterator<Item = (&'a Rule, Standing)>) -> Refusal {
    let mut others = Vec::new();
    let mut seen = BTreeSet::new();
    let mut too_long = false;
    for (rule, standing) in words {
        too_long |= standing == Standing::TooLong;
        let description = rule.description.as_str();
        if standing == Standing::ForOthers && !description.is_empty() && seen.insert(description) {
            others.push(description.to_owned());
        }
    }
    Refusal::NoAccess {
        count,
        too_long,
        others,
    }
}

// === impl Grants ===

impl Grants {
    /// The best of the open exporters: the highest priority, then the longest rest.
    pub(super) fn pick(
        &self,
        open: &Bits,
        board: &Board,
        snapshot: &Snapshot<'_>,
    ) -> Option<(usize, i64)> {
        let rested = |exporter: Uid| snapshot.used.get(&exporter).copied();
        self.all
            .iter()
            .copied()
            .filter(|(number, _)| open.contains(*number))
            .min_by_key(|&(number, priority)| {
                let exporter = board.at(number).uid;
                (std::cmp::Reverse(priority), rested(exporter), number)
            })
    }
}
