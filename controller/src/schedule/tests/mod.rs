//! Small labs, and what is decided in them.

#![allow(clippy::unwrap_used)]

mod properties;
mod stories;

use std::time::Duration;

use super::*;
use crate::model::{Conditions, Device, Key, Labels, LeaseState, Reported, Rule};
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

fn uid(text: &str) -> Uid {
    Uid(uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        text.as_bytes(),
    ))
}

fn labels(text: &str) -> Labels {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn exporter(name: &str, text: &str) -> Exporter {
    Exporter {
        uid: uid(name),
        key: Key::new("lab", name),
        labels: labels(text),
        told: Labels::new(),
        username: None,
        migrated: None,
        enabled: true,
        devices: vec![Device {
            uuid: name.to_owned(),
            parent: None,
            labels: Labels::new(),
        }],
        reported: Some(Reported {
            status: ExporterStatus::Available,
            message: String::new(),
        }),
        online: true,
        last_seen: None,
        generation: 1,
        created: Time(0),
    }
}

fn lease(name: &str, selector: &str) -> Lease {
    Lease {
        uid: uid(name),
        key: Key::new("lab", name),
        owner: "alice".to_owned(),
        selector: selector.parse().unwrap(),
        pinned: None,
        allow_disabled: false,
        duration: Some(Duration::from_secs(60)),
        not_before: None,
        not_after: None,
        tags: Labels::new(),
        context: Labels::new(),
        state: LeaseState::Pending,
        release_requested: false,
        exporter: None,
        began: None,
        ended: None,
        end_reason: None,
        priority: 0,
        spot: false,
        eligible_since: Some(Time(0)),
        conditions: Conditions::default(),
        generation: 1,
        created: Time(0),
    }
}

fn policy(exporters: &str, rules: Vec<Rule>) -> Policy {
    Policy {
        uid: uid("policy"),
        key: Key::new("lab", "policy"),
        exporters: exporters.parse().unwrap(),
        rules,
        generation: 1,
        created: Time(0),
    }
}

fn rule(from: &str, priority: i64) -> Rule {
    Rule {
        description: format!("for {from}"),
        priority,
        from: vec![from.parse().unwrap()],
        ..Rule::default()
    }
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
