//! Open leases as documents.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::write::{document, metadata, put};
use crate::admin::LabelSelector;
use crate::admin::types::LeaseView;
use crate::config::duration;
use crate::model::{Labels, Length};

/// What the lease was asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    client_ref: Reference,
    #[serde(default)]
    selector: LabelSelector,
    exporter_ref: Option<Reference>,
    #[serde(default)]
    allow_disabled: bool,
    duration: Option<String>,
    begin_time: Option<String>,
    end_time: Option<String>,
    #[serde(default)]
    tags: Labels,
    #[serde(default)]
    context: Labels,
    #[serde(default)]
    release: bool,
}

/// What has become of the lease.
#[derive(Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    ended: bool,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
}

pub(super) fn write(lease: &LeaseView) -> Value {
    let mut spec = Map::new();
    let named = |name: &String| json!({"name": name});
    spec.insert("clientRef".to_owned(), named(&lease.client));
    let selector = lease.selector.parse().unwrap_or_default();
    spec.insert("selector".to_owned(), json!(LabelSelector::of(&selector)));
    put(&mut spec, "exporterRef", &lease.pinned.as_ref().map(named));
    let allow = lease.allow_disabled.then_some(true);
    put(&mut spec, "allowDisabled", &allow);
    let length = lease
        .duration
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .map(|length| Length::from(length).to_string());
    put(&mut spec, "duration", &length);
    put(&mut spec, "beginTime", &lease.not_before);
    put(&mut spec, "endTime", &lease.not_after);
    for (key, pairs) in [("tags", &lease.tags), ("context", &lease.context)] {
        let there = (!pairs.is_empty()).then_some(pairs);
        put(&mut spec, key, &there);
    }
    let metadata = metadata(&lease.namespace, &lease.name, &lease.uid);
    document("Lease", metadata, Value::Object(spec))
}

/// Reads a lease; `None` if it has ended.
pub(super) fn read(
    (namespace, name): (String, String),
    spec: Spec,
    status: Status,
) -> Result<Option<LeaseView>, String> {
    if status.ended || spec.release {
        return Ok(None);
    }
    let length = spec.duration.map(|text| {
        let length = duration::parse(&text).map(|length| length.as_secs_f64());
        length.ok_or_else(|| {
            format!("spec.duration: `{text}` is no length of time; write it as `1h30m`")
        })
    });
    Ok(Some(LeaseView {
        namespace,
        name,
        uid: String::new(),
        client: spec.client_ref.name,
        selector: spec.selector.read("spec.selector")?.to_string(),
        pinned: spec.exporter_ref.map(|exporter| exporter.name),
        exporter: None,
        priority: None,
        state: "Pending".to_owned(),
        duration: length.transpose()?,
        not_before: spec.begin_time,
        not_after: spec.end_time,
        began: None,
        ended: None,
        tags: spec.tags,
        context: spec.context,
        conditions: Vec::new(),
        created: String::new(),
        generation: 0,
        allow_disabled: spec.allow_disabled,
        bytes: None,
    }))
}
