//! Table `leases`.

use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};

use super::{Columns, json, micros};
use crate::model::{
    Condition, ConditionType, Conditions, EndReason, ExporterRef, Key, Lease, LeaseState, Time,
};
use crate::store::StoreError;

const STATES: [(LeaseState, &str); 4] = [
    (LeaseState::Scheduled, "scheduled"),
    (LeaseState::Pending, "pending"),
    (LeaseState::Active, "active"),
    (LeaseState::Ended, "ended"),
];

const REASONS: [(EndReason, &str); 5] = [
    (EndReason::Released, "Released"),
    (EndReason::Expired, "Expired"),
    (EndReason::Unsatisfiable, "Unsatisfiable"),
    (EndReason::Invalid, "Invalid"),
    (EndReason::Deleted, "Deleted"),
];

/// A condition, as in the column `conditions`.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: String,
    holds: bool,
    reason: String,
    message: String,
    generation: i64,
    since: i64,
}

/// The name of `value` in a table of names.
fn name_of<T: PartialEq>(names: &[(T, &'static str)], value: &T) -> &'static str {
    let found = names.iter().find(|(known, _)| known == value);
    found.map_or("", |(_, name)| name)
}

fn named<T: Copy>(names: &[(T, &str)], text: &str, columns: &Columns<'_>) -> Result<T, StoreError> {
    let found = names.iter().find(|(_, name)| *name == text);
    found
        .map(|(value, _)| *value)
        .ok_or_else(|| columns.damaged(format!("`{text}`")))
}

pub(in crate::store) fn put(connection: &Connection, lease: &Lease) -> Result<(), StoreError> {
    let conditions: Vec<Stored> = lease.conditions.iter().map(Stored::of).collect();
    let exporter = lease.exporter.as_ref();
    // Not REPLACE: instead of failing, it would delete another lease of the same exporter.
    connection
        .prepare_cached(
            "INSERT INTO leases (uid, namespace, name, owner, selector, pinned, allow_disabled, \
             duration, not_before, not_after, tags, context, state, exporter_uid, exporter_name, \
             began, ended, end_reason, priority, eligible_since, conditions, generation, created) \
             VALUES (:uid, :namespace, :name, :owner, :selector, :pinned, :allow_disabled, \
             :duration, :not_before, :not_after, :tags, :context, :state, :exporter_uid, \
             :exporter_name, :began, :ended, :end_reason, :priority, :eligible_since, \
             :conditions, :generation, :created) \
             ON CONFLICT (uid) DO UPDATE SET owner = excluded.owner, \
             duration = excluded.duration, not_before = excluded.not_before, \
             not_after = excluded.not_after, state = excluded.state, \
             exporter_uid = excluded.exporter_uid, exporter_name = excluded.exporter_name, \
             began = excluded.began, ended = excluded.ended, end_reason = excluded.end_reason, \
             priority = excluded.priority, eligible_since = excluded.eligible_since, \
             conditions = excluded.conditions, generation = excluded.generation",
        )?
        .execute(named_params! {
            ":uid": lease.uid.to_string(),
            ":namespace": lease.key.namespace,
            ":name": lease.key.name,
            ":owner": lease.owner,
            ":selector": lease.selector.to_string(),
            ":pinned": lease.pinned,
            ":allow_disabled": lease.allow_disabled,
            ":duration": lease.duration.map(micros),
            ":not_before": lease.not_before.map(|time| time.0),
            ":not_after": lease.not_after.map(|time| time.0),
            ":tags": json(&lease.tags),
            ":context": json(&lease.context),
            ":state": name_of(&STATES, &lease.state),
            ":exporter_uid": exporter.map(|exporter| exporter.uid.to_string()),
            ":exporter_name": exporter.map(|exporter| &exporter.name),
            ":began": lease.began.map(|time| time.0),
            ":ended": lease.ended.map(|time| time.0),
            ":end_reason": lease.end_reason.map(|reason| name_of(&REASONS, &reason)),
            ":priority": lease.priority,
            ":eligible_since": lease.eligible_since.map(|time| time.0),
            ":conditions": json(&conditions),
            ":generation": lease.generation,
            ":created": lease.created.0,
        })?;
    Ok(())
}

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Lease, StoreError> {
    let columns = Columns::of(row, "leases");
    let conditions: Vec<Stored> = columns.json("conditions")?;
    let conditions = conditions
        .into_iter()
        .map(|stored| stored.condition(&columns));
    let reason: Option<String> = columns.get("end_reason")?;
    let exporter = match columns.get::<Option<String>>("exporter_uid")? {
        Some(uid) => Some(ExporterRef {
            uid: columns.parse_uid(&uid)?,
            name: columns.get("exporter_name")?,
        }),
        None => None,
    };
    Ok(Lease {
        uid: columns.uid("uid")?,
        key: Key::new(
            columns.get::<String>("namespace")?,
            columns.get::<String>("name")?,
        ),
        owner: columns.get("owner")?,
        selector: columns.selector("selector")?,
        pinned: columns.get("pinned")?,
        allow_disabled: columns.get("allow_disabled")?,
        duration: columns.maybe_duration("duration")?,
        not_before: columns.maybe_time("not_before")?,
        not_after: columns.maybe_time("not_after")?,
        tags: columns.json("tags")?,
        context: columns.json("context")?,
        state: named(&STATES, &columns.get::<String>("state")?, &columns)?,
        exporter,
        began: columns.maybe_time("began")?,
        ended: columns.maybe_time("ended")?,
        end_reason: match reason {
            Some(reason) => Some(named(&REASONS, &reason, &columns)?),
            None => None,
        },
        priority: columns.get("priority")?,
        eligible_since: columns.maybe_time("eligible_since")?,
        conditions: conditions.collect::<Result<Conditions, StoreError>>()?,
        generation: columns.get("generation")?,
        created: columns.time("created")?,
    })
}

// === impl Stored ===

impl Stored {
    fn of(condition: &Condition) -> Self {
        Self {
            kind: condition.kind.name().to_owned(),
            holds: condition.holds,
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            generation: condition.generation,
            since: condition.since.0,
        }
    }

    fn condition(self, columns: &Columns<'_>) -> Result<Condition, StoreError> {
        let kind = ConditionType::named(&self.kind);
        Ok(Condition {
            kind: kind.ok_or_else(|| columns.damaged(format!("condition {}", self.kind)))?,
            holds: self.holds,
            reason: self.reason,
            message: self.message,
            generation: self.generation,
            since: Time(self.since),
        })
    }
}
