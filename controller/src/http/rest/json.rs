//! Messages as protobuf's JSON: keys in `camelCase`, and all fields that are not optional.

use jumpstarter_proto::{client_v1, v1};
use serde_json::{Map, Value, json};

pub(super) fn exporter(exporter: client_v1::Exporter) -> Value {
    let status = exporter.status().as_str_name();
    #[expect(deprecated, reason = "older programs look at `online`")]
    let online = exporter.online;
    json!({
        "name": exporter.name,
        "labels": exporter.labels,
        "online": online,
        "status": status,
        "statusMessage": exporter.status_message,
        "enabled": exporter.enabled,
        "deprecatedLabels": exporter.deprecated_labels,
    })
}

pub(super) fn lease(lease: client_v1::Lease) -> Value {
    let conditions: Vec<Value> = lease.conditions.into_iter().map(condition).collect();
    let mut all = json!({
        "name": lease.name,
        "selector": lease.selector,
        "conditions": conditions,
        "tags": lease.tags,
        "allowDisabled": lease.allow_disabled,
        "context": lease.context,
        "deprecatedLabels": lease.deprecated_labels,
    });
    let text = |value: Option<String>| value.map(Value::from);
    let time = |value: Option<prost_types::Timestamp>| value.map(|time| time.to_string().into());
    let optional = [
        ("duration", lease.duration.as_ref().map(duration)),
        (
            "effectiveDuration",
            lease.effective_duration.as_ref().map(duration),
        ),
        ("beginTime", time(lease.begin_time)),
        ("effectiveBeginTime", time(lease.effective_begin_time)),
        ("endTime", time(lease.end_time)),
        ("effectiveEndTime", time(lease.effective_end_time)),
        ("client", text(lease.client)),
        ("exporter", text(lease.exporter)),
        ("exporterName", text(lease.exporter_name)),
    ];
    put(&mut all, optional);
    all
}

fn condition(condition: v1::Condition) -> Value {
    let mut all = json!({});
    let time = condition.last_transition_time.map(|time| {
        prost_types::Timestamp {
            seconds: time.seconds.unwrap_or_default(),
            nanos: time.nanos.unwrap_or_default(),
        }
        .to_string()
        .into()
    });
    let optional = [
        ("type", condition.r#type.map(Value::from)),
        ("status", condition.status.map(Value::from)),
        // 64-bit integers are strings in protobuf's JSON.
        (
            "observedGeneration",
            condition
                .observed_generation
                .map(|it| it.to_string().into()),
        ),
        ("lastTransitionTime", time),
        ("reason", condition.reason.map(Value::from)),
        ("message", condition.message.map(Value::from)),
    ];
    put(&mut all, optional);
    all
}

fn put<const N: usize>(all: &mut Value, optional: [(&str, Option<Value>); N]) {
    if let Value::Object(all) = all {
        let there = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        all.extend(there.collect::<Map<_, _>>());
    }
}

fn duration(duration: &prost_types::Duration) -> Value {
    let sign = if duration.seconds < 0 || duration.nanos < 0 {
        "-"
    } else {
        ""
    };
    let (seconds, nanos) = (
        duration.seconds.unsigned_abs(),
        duration.nanos.unsigned_abs(),
    );
    let text = match nanos {
        0 => format!("{sign}{seconds}s"),
        nanos => format!("{sign}{seconds}.{nanos:09}s"),
    };
    text.into()
}
