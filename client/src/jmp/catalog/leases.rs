//! Leases, as tables and as data.

use jiff::{SignedDuration, Timestamp};
use jumpstarter_proto::client_v1::Lease;
use jumpstarter_proto::names::{Kind, Name};
use jumpstarter_proto::v1::Condition;
use serde_json::{Map, Value, json};

use super::{clock, object, pairs};
use crate::ui::{Failure, Resource, Table};

/// A lease with its names taken apart.
#[derive(Debug)]
pub(in crate::jmp) struct Shown {
    pub(in crate::jmp) name: Name,
    /// Who has it.
    pub(in crate::jmp) client: String,
    /// What was found for it; empty until then.
    pub(in crate::jmp) exporter: String,
    pub(in crate::jmp) lease: Lease,
}

/// Leases, as a list.
#[derive(Debug)]
pub(in crate::jmp) struct Leases(pub(in crate::jmp) Vec<Shown>);

/// A lease by itself.
#[derive(Debug)]
pub(in crate::jmp) struct OneLease(pub(in crate::jmp) Shown);

// === impl Shown ===

impl Shown {
    pub(in crate::jmp) fn new(lease: Lease) -> Result<Self, Failure> {
        let short = |kind, text: Option<&str>| match text {
            None | Some("") => Ok(String::new()),
            Some(text) => Name::parse(kind, text).map(|name| name.name),
        };
        let parsed = Name::parse(Kind::Lease, &lease.name).and_then(|name| {
            let client = short(Kind::Client, lease.client.as_deref())?;
            Ok((
                name,
                client,
                short(Kind::Exporter, lease.exporter.as_deref())?,
            ))
        });
        let (name, client, exporter) = parsed.map_err(|error| {
            Failure::Error(format!(
                "the controller sent a lease without a proper name: {error}"
            ))
        })?;
        Ok(Self {
            name,
            client,
            exporter,
            lease,
        })
    }

    /// When it will be over, or was.
    pub(super) fn end(&self) -> Option<Timestamp> {
        let lease = &self.lease;
        if let Some(end) = &lease.effective_end_time {
            return clock::timestamp(end);
        }
        let begin = lease
            .effective_begin_time
            .as_ref()
            .or(lease.begin_time.as_ref())?;
        let Some(duration) = &lease.duration else {
            return clock::timestamp(lease.end_time.as_ref()?);
        };
        let duration = clock::duration(duration);
        clock::timestamp(begin)?.checked_add(duration).ok()
    }

    /// The last condition is the one that counts.
    fn condition(&self) -> Option<&Condition> {
        self.lease.conditions.last()
    }

    /// Whether its exporter is in use by it now.
    pub(super) fn holds(&self, exporter: &str) -> bool {
        let ready = |it: &Condition| {
            it.r#type.as_deref() == Some("Ready") && it.status.as_deref() == Some("True")
        };
        self.exporter == exporter
            && self.lease.effective_begin_time.is_some()
            && self.condition().is_some_and(ready)
    }

    /// In one word, how it is.
    pub(super) fn state(&self) -> String {
        if self.lease.effective_end_time.is_some() {
            return "Ended".to_owned();
        }
        let Some(condition) = self.condition() else {
            return "Unknown".to_owned();
        };
        match (condition.r#type.as_deref(), condition.status.as_deref()) {
            (Some("Ready"), Some("True")) => "In-Use".to_owned(),
            (Some("Ready"), Some("False")) => "Waiting".to_owned(),
            (Some("Expired"), _) => "Expired".to_owned(),
            _ => match condition.reason.as_deref() {
                None | Some("") => "Unknown".to_owned(),
                Some(reason) => reason.to_owned(),
            },
        }
    }

    pub(super) fn json(&self) -> Value {
        let lease = &self.lease;
        let seconds = |duration: &Option<prost_types::Duration>| {
            duration
                .as_ref()
                .map(|it| clock::duration(it).as_secs_f64())
        };
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref().and_then(clock::timestamp).map(clock::iso)
        };
        json!({
            "namespace": self.name.namespace,
            "name": self.name.name,
            "selector": lease.selector,
            "exporter_name": lease.exporter_name.as_ref().filter(|name| !name.is_empty()),
            "tags": object(&lease.tags),
            "context": object(&lease.context),
            "duration": seconds(&lease.duration).unwrap_or_default(),
            "effective_duration": seconds(&lease.effective_duration),
            "begin_time": time(&lease.begin_time),
            "client": self.client,
            "exporter": self.exporter,
            "conditions": lease.conditions.iter().map(condition).collect::<Vec<_>>(),
            "effective_begin_time": time(&lease.effective_begin_time),
            "effective_end_time": time(&lease.effective_end_time),
            "deprecated_labels": object(&lease.deprecated_labels),
        })
    }

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let end = self.end();
        vec![
            self.name.name.clone(),
            self.lease.selector.clone(),
            end.map(clock::local).unwrap_or_default(),
            end.map(|end| remaining(end.duration_since(now)))
                .unwrap_or_default(),
            self.client.clone(),
            self.exporter.clone(),
            pairs(&self.lease.tags),
        ]
    }
}

/// As protobuf's JSON has it: what is not set is left out, large numbers are texts.
fn condition(condition: &Condition) -> Value {
    let mut out = Map::new();
    let mut text = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), json!(value));
        }
    };
    text("type", &condition.r#type);
    text("status", &condition.status);
    text(
        "observedGeneration",
        &condition.observed_generation.map(|it| it.to_string()),
    );
    if let Some(time) = &condition.last_transition_time {
        let mut parts = Map::new();
        if let Some(seconds) = time.seconds {
            parts.insert("seconds".to_owned(), json!(seconds.to_string()));
        }
        if let Some(nanos) = time.nanos {
            parts.insert("nanos".to_owned(), json!(nanos));
        }
        out.insert("lastTransitionTime".to_owned(), Value::Object(parts));
    }
    for (key, value) in [
        ("reason", &condition.reason),
        ("message", &condition.message),
    ] {
        if let Some(value) = value {
            out.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(out)
}

/// `2d 3h 45m`, `expired`.
fn remaining(left: SignedDuration) -> String {
    if !left.is_positive() {
        return "expired".to_owned();
    }
    let minutes = left.as_mins();
    let parts = [
        (minutes / (24 * 60), 'd'),
        (minutes / 60 % 24, 'h'),
        (minutes % 60, 'm'),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() {
        "0m".to_owned()
    } else {
        parts.join(" ")
    }
}

fn table<'a>(leases: impl IntoIterator<Item = &'a Shown>) -> Table {
    let mut table = Table::new([
        "NAME",
        "SELECTOR",
        "EXPIRES AT",
        "REMAINING",
        "CLIENT",
        "EXPORTER",
        "TAGS",
    ])
    .keep_whole("NAME");
    let now = Timestamp::now();
    for lease in leases {
        table.row(lease.cells(now));
    }
    table
}

// === impl Leases ===

impl Resource for Leases {
    fn json(&self) -> Value {
        json!({ "leases": self.0.iter().map(Shown::json).collect::<Vec<_>>() })
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|lease| lease.name.name.clone()).collect()
    }

    fn table(&self) -> Table {
        table(&self.0)
    }
}

// === impl OneLease ===

impl Resource for OneLease {
    fn json(&self) -> Value {
        self.0.json()
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.name.name.clone()]
    }

    fn table(&self) -> Table {
        table([&self.0])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn lease(change: impl FnOnce(&mut Lease)) -> Shown {
        let mut lease = Lease {
            name: "namespaces/lab/leases/l1".to_owned(),
            client: Some("namespaces/lab/clients/me".to_owned()),
            ..Lease::default()
        };
        change(&mut lease);
        Shown::new(lease).unwrap()
    }

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn what_remains_is_told_without_zeros() {
        let minutes = |minutes: i64| remaining(SignedDuration::from_mins(minutes));
        for (left, expected) in [
            (((2 * 24) + 3) * 60 + 45, "2d 3h 45m"),
            (5 * 60 + 30, "5h 30m"),
            (15, "15m"),
            (3 * 24 * 60, "3d"),
            (0, "expired"),
            (-5, "expired"),
        ] {
            assert_eq!(minutes(left), expected);
        }
        assert_eq!(remaining(SignedDuration::from_secs(59)), "0m");
    }

    #[test]
    fn the_end_is_what_the_controller_says_or_what_can_be_reckoned() {
        let hour = Some(prost_types::Duration {
            seconds: 3600,
            nanos: 0,
        });
        let end = |change: &dyn Fn(&mut Lease)| {
            lease(|lease| change(lease)).end().map(|it| it.as_second())
        };
        assert_eq!(end(&|_| ()), None);
        assert_eq!(end(&|it| it.effective_end_time = at(5)), Some(5));
        let begun = |it: &mut Lease| {
            it.duration = hour;
            it.begin_time = at(100);
        };
        assert_eq!(end(&begun), Some(3700));
        assert_eq!(
            end(&|it| {
                begun(it);
                it.effective_begin_time = at(200)
            }),
            Some(3800)
        );
        assert_eq!(end(&|it| it.begin_time = at(100)), None);
        assert_eq!(
            end(&|it| {
                begun(it);
                it.begin_time = at(i64::MAX)
            }),
            None
        );
    }

    #[test]
    fn a_state_is_the_last_condition() {
        let state = |r#type: &str, status: &str, reason: &str| {
            lease(|lease| {
                lease.conditions = vec![Condition {
                    r#type: Some(r#type.to_owned()),
                    status: Some(status.to_owned()),
                    reason: Some(reason.to_owned()),
                    ..Condition::default()
                }];
            })
            .state()
        };
        assert_eq!(lease(|_| ()).state(), "Unknown");
        assert_eq!(lease(|it| it.effective_end_time = at(1)).state(), "Ended");
        assert_eq!(state("Ready", "True", "x"), "In-Use");
        assert_eq!(state("Ready", "False", "x"), "Waiting");
        assert_eq!(state("Expired", "", "x"), "Expired");
        assert_eq!(state("Pending", "True", "Offline"), "Offline");
        assert_eq!(state("Pending", "True", ""), "Unknown");
    }

    #[test]
    fn a_wrong_name_is_told() {
        let broken = Lease {
            name: "l1".to_owned(),
            ..Lease::default()
        };
        let Failure::Error(text) = Shown::new(broken).unwrap_err() else {
            panic!()
        };
        assert!(text.contains("expecting 4, got 1"), "{text}");
    }
}
