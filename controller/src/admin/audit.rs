//! The audit log.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::Api;
use super::error::{Outcome, Refusal};
use super::objects::time;
use super::types::RecordView;
use crate::model::Key;
use crate::store::AuditQuery;

/// How many records are returned unless the request says otherwise.
const USUAL: usize = 100;
const MOST: usize = 10_000;

/// The query of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Only records about objects of this kind; goes with the next two.
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    /// Only records before this id.
    before: Option<i64>,
    /// At most this many.
    most: Option<usize>,
}

/// Lists records, the latest first.
pub(super) async fn list(
    State(api): State<Api>,
    Query(which): Query<Which>,
) -> Outcome<Vec<RecordView>> {
    let object = match (which.kind, which.namespace, which.name) {
        (None, None, None) => None,
        (Some(kind), Some(namespace), Some(name)) => Some((kind, Key::new(namespace, name))),
        _ => {
            return Err(Refusal::invalid(
                "`kind`, `namespace` and `name` go together",
            ));
        }
    };
    let query = AuditQuery {
        object,
        before: which.before,
        most: which.most.unwrap_or(USUAL).min(MOST),
    };
    let found = api.0.lab.store().audit(query).await;
    let found = found.map_err(|error| Refusal::internal(error.to_string()))?;
    let views = found.into_iter().map(|record| RecordView {
        id: record.id,
        at: time(record.at),
        actor: record.actor,
        what: record.what,
        kind: record.kind,
        namespace: record.object.namespace,
        name: record.object.name,
        detail: record.detail,
    });
    Ok(Json(views.collect()))
}
