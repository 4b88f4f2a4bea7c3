//! A lease, and how clients read it.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use jumpstarter_proto::{
    client_v1,
    names::{Kind, Name},
    selector::Selector,
    v1,
};
use prost_types::Timestamp;

use super::{EXPORTER, NAMESPACE};

#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) name: String,
    pub(super) client: String,
    pub(super) selector: Selector,
    pub(super) duration: Duration,
    pub(super) context: HashMap<String, String>,
    pub(super) begun: Option<SystemTime>,
    pub(super) ended: Option<SystemTime>,
    /// In the order in which they first appeared, which clients rely on.
    conditions: Vec<v1::Condition>,
}

// === impl Lease ===

impl Lease {
    pub(super) fn new(name: String, client: &str, selector: Selector, duration: Duration) -> Self {
        Self {
            name,
            client: client.to_owned(),
            selector,
            duration,
            context: HashMap::new(),
            begun: None,
            ended: None,
            conditions: Vec::new(),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.begun.is_some() && self.ended.is_none()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.begun.is_none() && self.ended.is_none()
    }

    /// When it ends by itself.
    pub(super) fn due(&self) -> Option<SystemTime> {
        let begun = self.begun.filter(|_| self.ended.is_none())?;
        Some(begun + self.duration)
    }

    pub(super) fn begin(&mut self) {
        self.begun = Some(SystemTime::now());
        self.tell("Ready", "True", "Ready", "An exporter has been acquired");
    }

    pub(super) fn wait(&mut self, reason: &str, message: &str) {
        self.tell("Pending", "True", reason, message);
    }

    pub(super) fn end(&mut self, reason: &str, message: &str) {
        if self.ended.is_none() {
            self.ended = Some(SystemTime::now());
            self.tell("Ready", "False", reason, message);
        }
    }

    fn tell(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let told = v1::Condition {
            r#type: Some(kind.to_owned()),
            status: Some(status.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            ..v1::Condition::default()
        };
        match self.conditions.iter_mut().find(|c| c.r#type() == kind) {
            Some(slot) => *slot = told,
            None => self.conditions.push(told),
        }
    }

    /// As `ClientService` shows it.
    pub(super) fn shown(&self) -> client_v1::Lease {
        let name = |kind, name: &str| Name::new(kind, NAMESPACE, name).to_string();
        let time = |time: SystemTime| Timestamp::from(time);
        let length = |length: Duration| prost_types::Duration::try_from(length).ok();
        let held = self.begun.map(|begun| {
            let until = self.ended.unwrap_or_else(SystemTime::now);
            until.duration_since(begun).unwrap_or_default()
        });
        client_v1::Lease {
            name: name(Kind::Lease, &self.name),
            selector: self.selector.to_string(),
            duration: length(self.duration),
            effective_duration: held.and_then(length),
            effective_begin_time: self.begun.map(time),
            effective_end_time: self.begun.and(self.ended).map(time),
            client: Some(name(Kind::Client, &self.client)),
            exporter: self.begun.map(|_| name(Kind::Exporter, EXPORTER)),
            conditions: self.conditions.clone(),
            context: self.context.clone(),
            ..client_v1::Lease::default()
        }
    }
}
