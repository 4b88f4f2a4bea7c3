//! What those may have who ask for the same: the exporters, in any state, or why there are none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ask::Ask;
use super::bits::Bits;
use super::board::Board;
use super::grant::{Offer, judge};
use super::{Refusal, Snapshot};
use crate::model::{Policy, Uid};

/// Exporters by their numbers on the board.
#[derive(Debug)]
pub(super) struct Grants {
    /// With the priorities of the rules that grant them; in the order of names, never empty.
    pub(super) all: Vec<(usize, i64)>,
    /// The same as a set.
    pub(super) set: Bits,
    /// The highest priority.
    pub(super) best: i64,
}

/// An answer that many share.
pub(super) type Answer = Result<Arc<Grants>, Arc<Refusal>>;

/// Looks at all exporters that would do, and asks the policies about each.
pub(super) fn answer(ask: &Ask, board: &Board, policies: &[Arc<Policy>]) -> Answer {
    let candidates = match &ask.pinned {
        Some(name) => {
            let pinned = board.pin(name, &ask.selector, ask.allow_disabled);
            pinned.map(|number| vec![number])
        }
        None => board.select(&ask.selector),
    };
    candidates
        .and_then(|candidates| approved(ask, board, policies, &candidates))
        .map(Arc::new)
        .map_err(Arc::new)
}

fn approved(
    ask: &Ask,
    board: &Board,
    policies: &[Arc<Policy>],
    candidates: &[usize],
) -> Result<Grants, Refusal> {
    let mut offers: Vec<(usize, Offer)> = Vec::with_capacity(candidates.len());
    let mut others = Vec::new();
    let mut seen = BTreeSet::new();
    let mut too_long = false;
    for &number in candidates {
        let policies = policies.iter().map(AsRef::as_ref);
        let verdict = judge(policies, &ask.standings, board.at(number));
        offers.extend(verdict.offer.map(|offer| (number, offer)));
        too_long |= verdict.too_long;
        let new = verdict.others.into_iter().filter(|text| seen.insert(*text));
        others.extend(new.map(str::to_owned));
    }
    if offers.is_empty() {
        return Err(Refusal::NoAccess {
            count: candidates.len(),
            too_long,
            others,
        });
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

// === impl Grants ===

impl Grants {
    /// The best of those that are open: by priority, then the one that has rested longest.
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
