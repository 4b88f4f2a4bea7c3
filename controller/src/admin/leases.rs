//! Leases of all clients.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use jumpstarter_proto::selector::Selector;
use serde::Deserialize;

use super::Api;
use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::objects::time;
use super::tokens::span;
use super::types::{ConditionView, LeaseAlteration, LeaseView, NewLeaseBody};
use crate::lab::{By, LeaseQuery, LeaseUpdate, NewLease};
use crate::model::{Condition, ConditionType, Key, Lease, LeaseState, Length, Time, Wish};
use crate::schedule::{QueuePosition, Waiting};

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Whether to include leases that have ended.
    #[serde(default)]
    ended: bool,
    /// A label selector.
    #[serde(default)]
    selector: String,
}

// === impl Api ===

impl Api {
    /// The views of these leases, which are of one namespace.
    pub(super) async fn lease_views(&self, leases: &[Arc<Lease>]) -> Vec<LeaseView> {
        let positions = self.0.lab.queue_positions(leases).await;
        let views = leases.iter();
        views
            .map(|lease| self.looks(lease, positions.get(&lease.uid)))
            .collect()
    }

    fn lease_view(&self, lease: &Lease) -> LeaseView {
        self.looks(lease, self.0.lab.queue_position(lease).as_ref())
    }

    fn looks(&self, lease: &Lease, waits: Option<&(Waiting, QueuePosition)>) -> LeaseView {
        let condition = |known: &Condition| {
            // The stored condition of a waiting lease says what it waited for at first.
            let (reason, message) = match waits {
                Some((why, position)) if known.kind == ConditionType::Pending => {
                    (why.reason().to_owned(), why.message(position))
                }
                _ => (known.reason.clone(), known.message.clone()),
            };
            ConditionView {
                kind: known.kind.name().to_owned(),
                holds: known.holds,
                reason,
                message,
                since: time(known.since),
                generation: known.generation,
            }
        };
        LeaseView {
            namespace: lease.key.namespace.clone(),
            name: lease.key.name.clone(),
            uid: lease.uid.to_string(),
            client: lease.owner.clone(),
            selector: lease.selector.to_string(),
            pinned: lease.pinned.clone(),
            exporter: lease
                .exporter
                .as_ref()
                .map(|exporter| exporter.name.clone()),
            priority: lease.exporter.is_some().then_some(lease.priority),
            state: match lease.state {
                LeaseState::Scheduled => "Scheduled",
                LeaseState::Pending => "Pending",
                LeaseState::Active => "Active",
                LeaseState::Ended => "Ended",
            }
            .to_owned(),
            duration: lease.duration.map(|duration| duration.as_secs_f64()),
            not_before: lease.not_before.map(time),
            not_after: lease.not_after.map(time),
            began: lease.began.map(time),
            ended: lease.ended.map(time),
            tags: lease.tags.clone(),
            context: lease.context.clone(),
            conditions: lease.conditions.iter().map(condition).collect(),
            created: time(lease.created),
            generation: lease.generation,
            allow_disabled: lease.allow_disabled,
            bytes: self
                .0
                .tunnels
                .as_ref()
                .and_then(|tunnels| tunnels.bytes_of(&lease.key)),
        }
    }

    async fn lease(&self, key: &Key) -> Outcome<LeaseView> {
        let lease = self.0.lab.lease(key).await?;
        let lease = lease.ok_or_else(|| Refusal::not_found("leases", &key.name))?;
        Ok(Json(self.lease_view(&lease)))
    }
}

pub(super) fn moment(said: Option<&str>) -> Result<Option<Time>, Refusal> {
    said.map(|text| {
        let parsed: Result<prost_types::Timestamp, _> = text.parse();
        parsed.map(Time::from).map_err(|_| {
            Refusal::invalid(format!(
                "`{text}` is no time; write it as `2026-11-22T08:00:00Z`"
            ))
        })
    })
    .transpose()
}

fn selector(text: &str) -> Result<Selector, Refusal> {
    text.parse()
        .map_err(|error| Refusal::invalid(format!("invalid selector: {error}")))
}

pub(super) async fn list(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    Query(which): Query<Which>,
) -> Outcome<Vec<LeaseView>> {
    let query = LeaseQuery {
        namespace,
        labels: selector(&which.selector)?,
        ended: which.ended,
        ..LeaseQuery::default()
    };
    let all = api.0.lab.leases(query).await?;
    Ok(Json(api.lease_views(&all).await))
}

pub(super) async fn one(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
) -> Outcome<LeaseView> {
    api.lease(&Key::new(namespace, name)).await
}

pub(super) async fn create(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<NewLeaseBody>,
) -> Outcome<LeaseView> {
    let new = NewLease {
        wish: Wish {
            begin: moment(body.begin.as_deref())?,
            end: moment(body.end.as_deref())?,
            duration: span(body.duration.as_deref())?.map(Length::from),
        },
        namespace,
        name: body.name,
        owner: body.client,
        selector: selector(&body.selector)?,
        pinned: body.exporter,
        allow_disabled: body.allow_disabled,
        tags: body.tags,
        context: body.context,
        most_tags: api.config().most_tags,
    };
    let lease = api.0.lab.create_lease_for(new, &actor).await?;
    Ok(Json(api.lease_view(&lease)))
}

pub(super) async fn update(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<LeaseAlteration>,
) -> Outcome<LeaseView> {
    let update = LeaseUpdate {
        duration: span(body.duration.as_deref())?.map(Length::from),
        begin: moment(body.begin.as_deref())?,
        end: moment(body.end.as_deref())?,
        owner: body.client,
    };
    let key = Key::new(namespace, name);
    let lease = api.0.lab.alter_lease(key, update, &actor).await?;
    Ok(Json(api.lease_view(&lease)))
}

pub(super) async fn release(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<LeaseView> {
    let key = Key::new(namespace, name);
    api.0
        .lab
        .release_lease(key.clone(), By::Admin(actor))
        .await?;
    api.lease(&key).await
}
