//! The same rules for tests, written as simply as possible: nothing is remembered, and speed does not
//! matter.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{QueuePosition, Refusal, Snapshot, Waiting};
use crate::model::{Client, Exporter, Lease, Policy, Time, Uid};

/// What happens to a waiting lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It begins.
    Grant { exporter: Uid, priority: i64 },
    /// It goes on waiting.
    Wait {
        why: Waiting,
        position: QueuePosition,
    },
    /// It ends.
    Refuse { why: Refusal },
}

/// An exporter that a lease may have, with the priority of the grant.
type Choice<'a> = (&'a Arc<Exporter>, i64);

/// What happens to each lease that waits in a namespace.
pub(crate) fn verdicts(
    now: &Snapshot<'_>,
    namespace: &str,
    waiting: &[Arc<Lease>],
) -> HashMap<Uid, Verdict> {
    let mut verdicts = HashMap::new();
    let mut queue = Vec::new();
    for lease in waiting {
        match choices(now, namespace, lease) {
            Ok(choices) => queue.push((lease, choices)),
            Err(why) => drop(verdicts.insert(lease.uid, Verdict::Refuse { why })),
        }
    }
    queue.sort_by_key(|(lease, choices)| {
        let best = choices.iter().map(|(_, priority)| *priority).max();
        (Reverse(best), since(lease), lease.uid)
    });
    let mut held: HashSet<Uid> = now.held.keys().copied().collect();
    let mut losers = Vec::new();
    for (lease, choices) in queue {
        let connected = |exporter: &Exporter| exporter.online && !exporter.devices.is_empty();
        let open = choices.iter().filter(|(exporter, _)| {
            connected(exporter) && exporter.is_ready() && !held.contains(&exporter.uid)
        });
        let best = open.min_by_key(|(exporter, priority)| {
            let used = now.used.get(&exporter.uid);
            (Reverse(*priority), used, exporter.key.name.clone())
        });
        match best {
            Some((exporter, priority)) => {
                held.insert(exporter.uid);
                let (exporter, priority) = (exporter.uid, *priority);
                verdicts.insert(lease.uid, Verdict::Grant { exporter, priority });
            }
            None => losers.push((lease, choices)),
        }
    }
    let mut ahead: HashMap<Uid, usize> = HashMap::new();
    for (lease, choices) in losers {
        let online: Vec<_> = choices
            .iter()
            .filter(|(exporter, _)| exporter.online && !exporter.devices.is_empty())
            .collect();
        let free = online.iter().filter(|(it, _)| !held.contains(&it.uid));
        let free = free.count();
        let position = QueuePosition {
            matching: choices.len(),
            online: online.len(),
            free,
            ordinal: 1 + choices
                .iter()
                .map(|(it, _)| ahead.get(&it.uid).copied().unwrap_or(0))
                .max()
                .unwrap_or(0),
            example: choices
                .iter()
                .map(|(it, _)| it.key.name.clone())
                .min()
                .unwrap_or_default(),
        };
        for (exporter, _) in &choices {
            *ahead.entry(exporter.uid).or_default() += 1;
        }
        let why = match (online.len(), free) {
            (0, _) => Waiting::Offline,
            (_, 0) => Waiting::NotAvailable,
            _ => Waiting::NotReady,
        };
        verdicts.insert(lease.uid, Verdict::Wait { why, position });
    }
    verdicts
}

fn since(lease: &Lease) -> Time {
    lease.eligible_since.unwrap_or(lease.created)
}

fn choices<'a>(
    now: &Snapshot<'a>,
    namespace: &str,
    lease: &Lease,
) -> Result<Vec<Choice<'a>>, Refusal> {
    let mut all: Vec<&'a Arc<Exporter>> = now
        .exporters
        .values()
        .filter(|exporter| exporter.key.namespace == namespace)
        .collect();
    all.sort_by_key(|exporter| &exporter.key.name);
    let suits = |exporter: &Exporter| lease.selector.matches(|key| exporter.label(key));
    let candidates: Vec<_> = if let Some(name) = &lease.pinned {
        let exporter = || name.clone();
        let Some(found) = all.iter().find(|exporter| exporter.key.name == *name) else {
            return Err(Refusal::NotFound {
                exporter: exporter(),
            });
        };
        if !suits(found) {
            return Err(Refusal::Mismatch {
                exporter: exporter(),
                selector: lease.selector.to_string(),
            });
        }
        if !found.enabled && !lease.allow_disabled {
            return Err(Refusal::Disabled {
                exporter: exporter(),
            });
        }
        vec![*found]
    } else {
        if lease.selector.is_empty() {
            return Err(Refusal::NoSelector);
        }
        let matching: Vec<_> = all.into_iter().filter(|it| suits(it)).collect();
        let enabled: Vec<_> = matching.iter().copied().filter(|it| it.enabled).collect();
        if enabled.is_empty() && !matching.is_empty() {
            let count = matching.len();
            return Err(Refusal::AllDisabled { count });
        }
        enabled
    };
    approved(now, namespace, lease, &candidates)
}

fn approved<'a>(
    now: &Snapshot<'a>,
    namespace: &str,
    lease: &Lease,
    candidates: &[&'a Arc<Exporter>],
) -> Result<Vec<Choice<'a>>, Refusal> {
    let mut policies: Vec<&Arc<Policy>> = now
        .policies
        .values()
        .filter(|policy| policy.key.namespace == namespace)
        .collect();
    policies.sort_by_key(|policy| &policy.key.name);
    if policies.is_empty() && !candidates.is_empty() {
        return Ok(candidates.iter().map(|exporter| (*exporter, 0)).collect());
    }
    let clients = now.clients.values();
    let client: Option<&Arc<Client>> = clients
        .filter(|client| client.key.namespace == namespace)
        .find(|client| client.key.name == lease.owner);
    let label = |key: &str| client.and_then(|client| client.labels.get(key).map(String::as_str));
    let (mut lasting, mut spot, mut others, mut too_long) = (Vec::new(), 0, Vec::new(), false);
    for exporter in candidates {
        let mut priority = None;
        let mut on_spot = false;
        for policy in &policies {
            if !policy.exporters.matches(|key| exporter.label(key)) {
                continue;
            }
            for rule in &policy.rules {
                if !rule.from.iter().any(|selector| selector.matches(label)) {
                    if !rule.description.is_empty() && !others.contains(&rule.description) {
                        others.push(rule.description.clone());
                    }
                } else if rule.maximum.is_some() && lease.duration > rule.maximum {
                    too_long = true;
                } else if rule.spot {
                    on_spot = true;
                } else {
                    priority = priority.max(Some(rule.priority));
                }
            }
        }
        lasting.extend(priority.map(|priority| (*exporter, priority)));
        spot += usize::from(priority.is_none() && on_spot);
    }
    match (lasting.is_empty(), spot) {
        (true, 0) => Err(Refusal::NoAccess {
            count: candidates.len(),
            too_long,
            others,
        }),
        (true, count) => Err(Refusal::OnlySpot { count }),
        _ => Ok(lasting),
    }
}
