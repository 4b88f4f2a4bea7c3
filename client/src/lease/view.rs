//! A lease as the controller shows it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jumpstarter_proto::client_v1;
use jumpstarter_proto::names::{Kind, Name, NameError};
use jumpstarter_proto::v1::Condition;
use prost_types::Timestamp;

use super::Phase;

/// A lease as the controller shows it; names are short ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// Its name.
    pub name: String,
    /// The labels that were asked for; may be empty.
    pub selector: String,
    /// Whose it is.
    pub client: String,
    /// What it holds; none yet, or none any more.
    pub exporter: Option<String>,
    /// How long it was asked for.
    pub duration: Option<Duration>,
    /// When it was to begin.
    pub begin: Option<SystemTime>,
    /// When it began.
    pub began: Option<SystemTime>,
    /// When it ended.
    pub ended: Option<SystemTime>,
    /// What the controller says about it, in the order in which it said it first.
    pub conditions: Vec<Condition>,
    /// Labels of the selector that should not be used any more, and what to do instead.
    pub deprecated_labels: BTreeMap<String, String>,
}

// === impl Lease ===

impl Lease {
    /// How far it is.
    pub fn phase(&self) -> Phase {
        Phase::of(&self.conditions)
    }

    /// When it ended or will end, as far as can be said now.
    pub fn end(&self) -> Option<SystemTime> {
        let after = |begin: SystemTime| begin.checked_add(self.duration?);
        self.ended.or_else(|| self.began.and_then(after))
    }

    /// The same, also for one that has not begun and was to begin at a certain time.
    pub fn expected_end(&self) -> Option<SystemTime> {
        let after = |begin: SystemTime| begin.checked_add(self.duration?);
        self.end().or_else(|| self.begin.and_then(after))
    }
}

fn time(time: Option<Timestamp>) -> Option<SystemTime> {
    time.and_then(|time| time.try_into().ok())
}

impl TryFrom<client_v1::Lease> for Lease {
    type Error = NameError;

    fn try_from(lease: client_v1::Lease) -> Result<Self, NameError> {
        let exporter = match lease.exporter() {
            "" => None,
            name => Some(Name::parse(Kind::Exporter, name)?.name),
        };
        Ok(Self {
            name: Name::parse(Kind::Lease, &lease.name)?.name,
            client: Name::parse(Kind::Client, lease.client())?.name,
            exporter,
            selector: lease.selector,
            duration: lease.duration.and_then(|length| length.try_into().ok()),
            begin: time(lease.begin_time),
            began: time(lease.effective_begin_time),
            ended: time(lease.effective_end_time),
            conditions: lease.conditions,
            deprecated_labels: lease.deprecated_labels.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shown() -> client_v1::Lease {
        client_v1::Lease {
            name: "namespaces/lab/leases/42".to_owned(),
            client: Some("namespaces/lab/clients/me".to_owned()),
            exporter: Some(String::new()),
            duration: Some(prost_types::Duration {
                seconds: 3600,
                nanos: 0,
            }),
            ..client_v1::Lease::default()
        }
    }

    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos: 0 })
    }

    fn time(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn names_become_short_and_an_empty_exporter_none() {
        let lease = Lease::try_from(shown()).unwrap();
        assert_eq!(
            (lease.name.as_str(), lease.client.as_str(), lease.exporter),
            ("42", "me", None)
        );
        let error = Lease::try_from(client_v1::Lease::default()).unwrap_err();
        assert!(matches!(error, NameError::Segments(1)), "{error}");
    }

    #[test]
    fn the_real_end_counts_more_than_the_planned_one() {
        let end = |change: fn(&mut client_v1::Lease)| {
            let mut shown = shown();
            change(&mut shown);
            let lease = Lease::try_from(shown).unwrap();
            (lease.end(), lease.expected_end())
        };
        assert_eq!(end(|_| ()), (None, None));
        let planned = end(|lease| lease.begin_time = at(100));
        assert_eq!(planned, (None, time(3700)));
        let running = end(|lease| {
            (lease.begin_time, lease.effective_begin_time) = (at(100), at(200));
        });
        assert_eq!(running, (time(3800), time(3800)));
        let over = end(|lease| {
            (lease.effective_begin_time, lease.effective_end_time) = (at(200), at(300));
        });
        assert_eq!(over, (time(300), time(300)));
    }
}
