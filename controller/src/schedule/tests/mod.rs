//! Small labs, and the decisions in them.

#![allow(clippy::unwrap_used)]

mod properties;
mod stories;

use std::time::Duration;

use super::plain::Verdict;
use super::*;
use crate::model::samples::{exporter, labels, lease, policy, rule, uid};
use crate::model::{Key, Lease, Reported, Rule};
use jumpstarter_proto::v1::ExporterStatus;

/// A lab of a few exporters and leases, built up by each test.
#[derive(Clone, Debug, Default)]
struct Lab {
    exporters: Vec<Exporter>,
    clients: Vec<Client>,
    policies: Vec<Policy>,
    waiting: Vec<Lease>,
    leased: Vec<&'static str>,
    used: Vec<(&'static str, i64)>,
}

// === impl Lab ===

impl Lab {
    fn exporter(mut self, name: &str, labels: &str) -> Self {
        self.exporters.push(exporter(name, labels));
        self
    }

    fn but(mut self, change: impl FnOnce(&mut Exporter)) -> Self {
        change(self.exporters.last_mut().unwrap());
        self
    }

    fn client(mut self, name: &str, text: &str) -> Self {
        self.clients.push(Client {
            uid: uid(name),
            key: Key::new("lab", name),
            labels: labels(text),
            username: None,
            migrated: None,
            provisioned: false,
            generation: 1,
            created: Time(0),
        });
        self
    }

    fn policy(mut self, exporters: &str, rules: Vec<Rule>) -> Self {
        self.policies.push(policy(exporters, rules));
        self
    }

    fn lease(mut self, name: &str, selector: &str) -> Self {
        let mut lease = lease(name, selector);
        // In the order in which they are written.
        lease.eligible_since = Some(Time(self.waiting.len() as i64));
        self.waiting.push(lease);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Lease)) -> Self {
        change(self.waiting.last_mut().unwrap());
        self
    }

    fn leased(mut self, name: &'static str) -> Self {
        self.leased.push(name);
        self
    }

    /// What happens to each waiting lease, in the order of the decisions.
    fn decide(&self) -> Vec<(Uid, Verdict)> {
        fn by_uid<T: Clone>(all: &[T], uid: impl Fn(&T) -> Uid) -> HashMap<Uid, Arc<T>> {
            let pairs = all.iter().map(|it| (uid(it), Arc::new(it.clone())));
            pairs.collect()
        }
        let exporters = by_uid(&self.exporters, |exporter| exporter.uid);
        let clients = by_uid(&self.clients, |client| client.uid);
        let policies = self.policies.iter().enumerate().map(|(at, policy)| {
            let mut policy = policy.clone();
            policy.key.name = format!("policy-{at}");
            (uid(&policy.key.name), Arc::new(policy))
        });
        let policies = policies.collect();
        let leased = self.leased.iter().map(|name| (uid(name), uid("somebody")));
        let mut held: HashMap<Uid, Uid> = leased.collect();
        let used = self.used.iter().map(|(name, at)| (uid(name), Time(*at)));
        let used = used.collect();
        let before = held.clone();
        let now = Snapshot {
            exporters: &exporters,
            clients: &clients,
            policies: &policies,
            held: &before,
            used: &used,
        };
        let waiting: Vec<_> = self.waiting.iter().cloned().map(Arc::new).collect();
        let plain = plain::verdicts(&now, "lab", &waiting);
        let mut queue = Queue::new("lab");
        for lease in &waiting {
            let owner = clients.get(&uid(&lease.owner)).map(AsRef::as_ref);
            queue.put(lease, owner);
        }
        let mut told = Vec::new();
        for decision in queue.decide(&now) {
            let (lease, verdict) = match decision {
                Decision::Grant {
                    lease,
                    exporter,
                    priority,
                } => {
                    held.insert(exporter, lease);
                    (lease, Verdict::Grant { exporter, priority })
                }
                Decision::Refuse { lease, why } => {
                    let why = Refusal::clone(&why);
                    (lease, Verdict::Refuse { why })
                }
            };
            queue.remove(lease);
            told.push((lease, verdict));
        }
        let now = Snapshot { held: &held, ..now };
        assert_eq!(queue.decide(&now), [], "once is enough");
        let waiting = queue.newcomers();
        let mut positions = queue.queue_positions(&waiting, &now);
        assert_eq!(positions.len(), waiting.len());
        for lease in waiting {
            let (why, position) = queue.queue_position(lease, &now).unwrap();
            assert_eq!(positions.remove(&lease).unwrap(), (why, position.clone()));
            told.push((lease, Verdict::Wait { why, position }));
        }
        assert_eq!(plain, told.iter().cloned().collect());
        told
    }

    /// Lease and exporter, or the reason why it gets none.
    fn told(&self) -> Vec<String> {
        let name = |wanted: &Uid| {
            let exporters = self
                .exporters
                .iter()
                .map(|exporter| (exporter.uid, &exporter.key));
            let leases = self.waiting.iter().map(|lease| (lease.uid, &lease.key));
            let mut all = exporters.chain(leases);
            all.find(|(uid, _)| uid == wanted).unwrap().1.name.clone()
        };
        let told = self.decide().into_iter().map(|(lease, verdict)| {
            let lease = name(&lease);
            match verdict {
                Verdict::Grant { exporter, .. } => format!("{lease}: {}", name(&exporter)),
                Verdict::Wait { why, position } => {
                    format!("{lease}: {} {}", why.reason(), position.ordinal)
                }
                Verdict::Refuse { why } => format!("{lease}: {}", why.reason()),
            }
        });
        let mut told: Vec<String> = told.collect();
        told.sort();
        told
    }

    /// What the client of the only lease is told.
    fn sentence(&self) -> String {
        match &self.decide()[..] {
            [(_, Verdict::Wait { why, position })] => why.message(position),
            [(_, Verdict::Refuse { why })] => why.to_string(),
            other => panic!("{other:?}"),
        }
    }
}
