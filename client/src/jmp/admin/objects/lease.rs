//! Leases.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::age::{age, length, whole_seconds};
use super::super::views::{Condition, Lease};
use super::selector::{asked_for, selector};
use super::{Object, metadata};
use crate::config::API_VERSION;
use crate::ui::Table;

// === impl Object ===

impl Object for Lease {
    const KIND: &'static str = "Lease";

    fn resource_name(&self) -> String {
        format!("lease.jumpstarter.dev/{}", self.name)
    }

    fn json(&self) -> Value {
        let named = |name: &String| json!({"name": name});
        let seconds = |time: &Option<String>| time.as_deref().map(whole_seconds);
        let mut spec = json!({
            "client": named(&self.client),
            "duration": self.duration.map(length),
            "selector": selector(&self.selector),
        });
        if let Some(pinned) = &self.pinned {
            spec["exporterRef"] = named(pinned);
        }
        let place = (self.namespace.as_str(), self.name.as_str());
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": metadata(place, &self.uid, &self.created, self.generation),
            "spec": spec,
            "status": {
                "beginTime": seconds(&self.began),
                "conditions": self.conditions.iter().map(Condition::json).collect::<Vec<_>>(),
                "endTime": seconds(&self.ended),
                "ended": self.has_ended(),
                "exporter": self.exporter.as_ref().map(named),
            },
        })
    }

    fn table() -> Table {
        Table::new([
            "NAME", "CLIENT", "SELECTOR", "EXPORTER", "DURATION", "STATUS", "REASON", "BEGIN",
            "END", "AGE",
        ])
    }

    fn row(&self, table: &mut Table, now: Timestamp) {
        let seconds = |time: &Option<String>| time.as_deref().map(whole_seconds);
        table.row(vec![
            self.name.clone(),
            self.client.clone(),
            asked_for(&self.selector),
            self.exporter.clone().unwrap_or_default(),
            self.duration.map(length).unwrap_or_default(),
            match self.has_ended() {
                true => "Ended",
                false => "InProgress",
            }
            .to_owned(),
            self.reason().to_owned(),
            seconds(&self.began).unwrap_or_default(),
            seconds(&self.ended).unwrap_or_default(),
            age(&self.created, now),
        ]);
    }
}

// === impl Lease ===

impl Lease {
    fn has_ended(&self) -> bool {
        self.state == "Ended"
    }

    /// The last word about it.
    fn reason(&self) -> &str {
        let Some(last) = self.conditions.last() else {
            return "Unknown";
        };
        match (last.reason.as_str(), last.holds) {
            ("Ready", false) => "Waiting",
            ("Expired", false) => "Complete",
            (reason, _) => reason,
        }
    }
}

// === impl Condition ===

impl Condition {
    fn json(&self) -> Value {
        let status = match self.holds {
            true => "True",
            false => "False",
        };
        json!({
            "lastTransitionTime": whole_seconds(&self.since),
            "message": self.message,
            "observedGeneration": self.generation,
            "reason": self.reason,
            "status": status,
            "type": self.kind,
        })
    }
}
