//! Small labs, and what is decided in them.

#![allow(clippy::unwrap_used)]

mod properties;
mod stories;

use std::time::Duration;

use super::*;
use crate::model::samples::{exporter, labels, lease, policy, rule, uid};
use crate::model::{Key, Reported, Rule};
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

    fn decide(&self) -> Vec<Decision> {
        decide(&Snapshot {
            exporters: self.exporters.iter().collect(),
            clients: self
                .clients
                .iter()
                .map(|client| (client.key.name.as_str(), client))
                .collect(),
            policies: self.policies.iter().collect(),
            waiting: self.waiting.iter().collect(),
            leased: self.leased.iter().map(|name| uid(name)).collect(),
            used: self
                .used
                .iter()
                .map(|(name, at)| (uid(name), Time(*at)))
                .collect(),
        })
    }

    /// Lease and exporter, or the reason why not.
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
        let told = self.decide().into_iter().map(|decision| match &decision {
            Decision::Grant {
                lease, exporter, ..
            } => format!("{}: {}", name(lease), name(exporter)),
            Decision::Wait { lease, why, place } => {
                format!("{}: {} {}", name(lease), why.reason(), place.position)
            }
            Decision::Refuse { lease, why } => format!("{}: {}", name(lease), why.reason()),
        });
        let mut told: Vec<String> = told.collect();
        told.sort();
        told
    }

    /// What a client is told whose lease is the only one.
    fn sentence(&self) -> String {
        match &self.decide()[..] {
            [Decision::Wait { why, place, .. }] => why.message(place),
            [Decision::Refuse { why, .. }] => why.to_string(),
            other => panic!("{other:?}"),
        }
    }
}
