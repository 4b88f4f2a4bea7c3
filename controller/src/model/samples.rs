//! Objects for tests.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;

use super::*;

/// A uid that depends only on the text.
pub(crate) fn uid(text: &str) -> Uid {
    Uid(uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        text.as_bytes(),
    ))
}

/// Labels from `a=b,c=d`.
pub(crate) fn labels(text: &str) -> Labels {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// An exporter that is registered, online and available.
pub(crate) fn exporter(name: &str, text: &str) -> Exporter {
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

/// A lease of one minute for alice, which waits.
pub(crate) fn lease(name: &str, selector: &str) -> Lease {
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
        exporter: None,
        began: None,
        ended: None,
        end_reason: None,
        priority: 0,
        eligible_since: Some(Time(0)),
        conditions: Conditions::default(),
        generation: 1,
        created: Time(0),
    }
}

/// A policy with these rules.
pub(crate) fn policy(exporters: &str, rules: Vec<Rule>) -> Policy {
    Policy {
        uid: uid("policy"),
        key: Key::new("lab", "policy"),
        exporters: exporters.parse().unwrap(),
        rules,
        generation: 1,
        created: Time(0),
    }
}

/// A rule for clients with these labels.
pub(crate) fn rule(from: &str, priority: i64) -> Rule {
    Rule {
        description: format!("for {from}"),
        priority,
        from: vec![from.parse().unwrap()],
        ..Rule::default()
    }
}
