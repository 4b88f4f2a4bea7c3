//! The positions of many leases at once, the same as one by one. Leases with the same exporters and
//! priority share one walk through the queue; thousands of separate walks would take too long.
//!
//! ```text
//!  classes ─► groups: same exporters, same priority ─► the turns of each, in order
//!                                                        │ merged with the turns of those who ask
//!                                                        ▼
//!                                       who is before each of them, per exporter
//! ```

use std::collections::HashMap;

use super::{Grants, Queue, Turn};
use crate::model::Uid;
use crate::schedule::{QueuePosition, Snapshot, Waiting};

/// The leases that may have the same exporters with the same priority, in the order of their turns.
struct Group<'a> {
    grants: &'a Grants,
    turns: Vec<Turn>,
}

// === impl Queue ===

impl Queue {
    /// The positions of those of these leases that wait.
    pub fn queue_positions(
        &self,
        uids: &[Uid],
        now: &Snapshot<'_>,
    ) -> HashMap<Uid, (Waiting, QueuePosition)> {
        let groups = self.groups();
        let mut asking: HashMap<usize, Vec<Turn>> = HashMap::new();
        let numbers: HashMap<_, usize> = groups
            .iter()
            .enumerate()
            .map(|(number, group)| ((&group.grants.set, group.grants.best), number))
            .collect();
        for uid in uids {
            let Some(waiter) = self.waiting.get(uid) else {
                continue;
            };
            let class = self.classes.get(&*waiter.request);
            let Some(grants) = class.and_then(|class| class.grants()) else {
                continue;
            };
            if let Some(number) = numbers.get(&(&grants.set, grants.best)) {
                let turns = asking.entry(*number).or_default();
                turns.push(super::turn(&waiter.lease));
            }
        }
        let mut positions = HashMap::new();
        for (number, mut turns) in asking {
            turns.sort_unstable();
            let group = &groups[number];
            let Some((why, position)) = self.look(group.grants, 0, now) else {
                continue;
            };
            for ((_, uid), ahead) in turns.iter().zip(self.all_ahead(group, &turns, &groups)) {
                let position = QueuePosition {
                    ordinal: 1 + ahead,
                    ..position.clone()
                };
                positions.insert(*uid, (why, position));
            }
        }
        positions
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: HashMap<_, Group<'_>> = HashMap::new();
        for class in self.classes.values() {
            if let Some(grants) = class.grants() {
                let group = groups.entry((&grants.set, grants.best));
                let group = group.or_insert_with(|| Group {
                    grants,
                    turns: Vec::new(),
                });
                group.turns.extend(&class.waiting);
            }
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        for group in &mut groups {
            group.turns.sort_unstable();
        }
        groups
    }

    /// For each of these turns, which are in order: how many leases ahead of it want one of the same
    /// exporters, the most for any one exporter.
    fn all_ahead(&self, group: &Group<'_>, turns: &[Turn], groups: &[Group<'_>]) -> Vec<usize> {
        let grants = group.grants;
        // Leases with a higher priority are ahead of all of them.
        let mut always = vec![0; self.board.len()];
        let mut rivals = Vec::new();
        for other in groups {
            let theirs = other.grants;
            if theirs.best < grants.best || !theirs.set.meets(&grants.set) {
                continue;
            }
            let numbers: Vec<usize> = theirs.set.common(&grants.set).collect();
            if theirs.best > grants.best {
                for number in numbers {
                    always[number] += other.turns.len();
                }
            } else {
                rivals.push((other.turns.iter().peekable(), numbers));
            }
        }
        let mut ahead = always;
        let mut most = ahead.iter().copied().max().unwrap_or_default();
        let mut all = Vec::with_capacity(turns.len());
        for turn in turns {
            for (theirs, numbers) in &mut rivals {
                let mut before = 0;
                while theirs.next_if(|their| *their < turn).is_some() {
                    before += 1;
                }
                if before == 0 {
                    continue;
                }
                for number in numbers.iter() {
                    ahead[*number] += before;
                    most = most.max(ahead[*number]);
                }
            }
            all.push(most);
        }
        all
    }
}
