//! Access policies.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::objects::time;
use super::types::PolicyView;
use super::{Api, PolicySpec};
use crate::lab::NewPolicy;
use crate::model::{Key, Policy};

pub(super) fn view(policy: &Policy) -> PolicyView {
    PolicyView {
        namespace: policy.key.namespace.clone(),
        name: policy.key.name.clone(),
        spec: PolicySpec::of(policy),
        created: time(policy.created),
    }
}

pub(super) async fn list(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Json<Vec<PolicyView>> {
    let all = api.0.lab.policies(&namespace);
    Json(all.iter().map(|policy| view(policy)).collect())
}

pub(super) async fn one(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
) -> Outcome<PolicyView> {
    let all = api.0.lab.policies(&namespace);
    let policy = all.iter().find(|policy| policy.key.name == name);
    let policy = policy.ok_or_else(|| Refusal::not_found("exporteraccesspolicies", &name))?;
    Ok(Json(view(policy)))
}

pub(super) async fn apply(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(spec): Json<PolicySpec>,
) -> Outcome<PolicyView> {
    let (exporters, rules) = spec.read().map_err(Refusal::invalid)?;
    let new = NewPolicy {
        key: Key::new(namespace, name),
        exporters,
        rules,
    };
    let policy = api.0.lab.apply_policy(new, &actor).await?;
    Ok(Json(view(&policy)))
}

pub(super) async fn delete(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<()> {
    api.0
        .lab
        .delete_policy(Key::new(namespace, name), &actor)
        .await?;
    Ok(Json(()))
}
