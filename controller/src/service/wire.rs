//! Objects of the lab as gRPC messages.

use std::time::Duration;

use jumpstarter_proto::names::{Kind, Name};
use jumpstarter_proto::{client_v1, v1};
use prost_types::Timestamp;
use tonic::Status;

use super::errors;
use super::labels::LabelRules;
use crate::model::{Condition, ConditionType, Exporter, Key, Lease, Length, Time};
use crate::schedule::{QueuePosition, Waiting};

/// The longest duration of protobuf, in seconds: ten thousand years.
const LONGEST: u64 = 315_576_000_000;
/// Nanoseconds in a second.
const SECOND: u32 = 1_000_000_000;

/// The resource name of an object.
pub(super) fn name(kind: Kind, key: &Key) -> String {
    Name::new(kind, &key.namespace, &key.name).to_string()
}

pub(super) fn exporter(exporter: &Exporter, rules: &LabelRules, all: bool) -> client_v1::Exporter {
    let shown = rules.show(exporter.all_labels(), all);
    let reported = exporter.reported.as_ref();
    let never = match (reported, exporter.last_seen, exporter.online) {
        (None, None, false) => "Never seen",
        _ => "",
    };
    #[expect(deprecated, reason = "older clients look at `online`")]
    client_v1::Exporter {
        name: name(Kind::Exporter, &exporter.key),
        labels: shown.labels.into_iter().collect(),
        online: exporter.online,
        status: reported
            .map_or(v1::ExporterStatus::Unspecified, |reported| reported.status)
            .into(),
        status_message: reported
            .map_or(never, |reported| &reported.message)
            .to_owned(),
        enabled: Some(exporter.enabled),
        deprecated_labels: shown.deprecated.into_iter().collect(),
    }
}

/// `waits` is the current position of a waiting lease, which is not stored with it.
pub(super) fn lease(
    lease: &Lease,
    waits: Option<&(Waiting, QueuePosition)>,
    rules: &LabelRules,
    now: Time,
) -> client_v1::Lease {
    let key = |name: &str| Key::new(&lease.key.namespace, name);
    let selector = match lease.selector.is_empty() {
        true => "<none>".to_owned(),
        false => lease.selector.to_string(),
    };
    let exporter = lease.exporter.as_ref();
    let started_and_ended = lease.began.and(lease.ended);
    client_v1::Lease {
        name: name(Kind::Lease, &lease.key),
        selector,
        duration: lease.duration.map(duration),
        effective_duration: lease.held(now).map(duration),
        begin_time: lease.not_before.map(Timestamp::from),
        effective_begin_time: lease.began.map(Timestamp::from),
        end_time: lease.not_after.map(Timestamp::from),
        effective_end_time: started_and_ended.map(Timestamp::from),
        client: Some(name(Kind::Client, &key(&lease.owner))),
        exporter: exporter.map(|exporter| name(Kind::Exporter, &key(&exporter.name))),
        conditions: lease
            .conditions
            .iter()
            .map(|known| condition(known, waits))
            .collect(),
        exporter_name: lease.pinned.clone(),
        tags: lease.tags.clone().into_iter().collect(),
        allow_disabled: lease.allow_disabled,
        context: lease.context.clone().into_iter().collect(),
        deprecated_labels: rules.used(&lease.selector).into_iter().collect(),
    }
}

pub(super) fn condition(
    known: &Condition,
    waits: Option<&(Waiting, QueuePosition)>,
) -> v1::Condition {
    // The stored condition of a waiting lease says what it waited for at first.
    let (reason, message) = match waits {
        Some((why, position)) if known.kind == ConditionType::Pending => {
            (why.reason().to_owned(), why.message(position))
        }
        _ => (known.reason.clone(), known.message.clone()),
    };
    v1::Condition {
        r#type: Some(known.kind.name().to_owned()),
        status: Some(if known.holds { "True" } else { "False" }.to_owned()),
        observed_generation: Some(known.generation),
        last_transition_time: Some(v1::Time {
            seconds: Some(known.since.0.div_euclid(1_000_000)),
            nanos: Some(0),
        }),
        reason: Some(reason),
        message: Some(message),
    }
}

pub(super) fn duration(duration: Duration) -> prost_types::Duration {
    // The longest possible, for lengths that protobuf does not have.
    duration.try_into().unwrap_or(prost_types::Duration {
        seconds: i64::MAX,
        nanos: 0,
    })
}

/// Reads a duration.
///
/// # Errors
///
/// Protobuf does not allow it.
pub(super) fn length(duration: Option<prost_types::Duration>) -> Result<Option<Length>, Status> {
    let Some(duration) = duration else {
        return Ok(None);
    };
    let prost_types::Duration { seconds, nanos } = duration;
    let one_sign = seconds.signum() * i64::from(nanos.signum()) >= 0;
    if seconds.unsigned_abs() > LONGEST || nanos.unsigned_abs() >= SECOND || !one_sign {
        return Err(errors::invalid("duration is out of range"));
    }
    Ok(Some(Length::from(duration)))
}

/// Reads the time in `field`. One that clients cannot read would break their lists.
///
/// # Errors
///
/// Protobuf does not allow it.
pub(super) fn time(field: &str, timestamp: Option<Timestamp>) -> Result<Option<Time>, Status> {
    let Some(timestamp) = timestamp else {
        return Ok(None);
    };
    let time = Time::from(timestamp);
    let nanos = u32::try_from(timestamp.nanos);
    if nanos.is_ok_and(|nanos| nanos < SECOND) && (Time::FIRST..=Time::LAST).contains(&time) {
        return Ok(Some(time));
    }
    Err(errors::invalid(format!("{field} is out of range")))
}
