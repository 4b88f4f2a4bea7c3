//! Clients and exporters.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::Api;
use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::types::{Alteration, ClientView, DeviceView, ExporterView, NewObject};
use crate::lab::{ClientChange, ExporterChange, NewClient, NewExporter, Page};
use crate::model::{Client, Exporter, Key, Migrated, Time};

/// A time in RFC 3339.
pub(super) fn time(time: Time) -> String {
    prost_types::Timestamp::from(time).to_string()
}

// === impl Api ===

impl Api {
    pub(super) fn client_view(&self, client: &Client) -> ClientView {
        let migrated = client.migrated.clone();
        ClientView {
            namespace: client.key.namespace.clone(),
            name: client.key.name.clone(),
            uid: client.uid.to_string(),
            labels: client.labels.clone(),
            username: client.username.clone(),
            provisioned: client.provisioned,
            created: time(client.created),
            generation: client.generation,
            endpoint: self.config().public.grpc.clone(),
            migrated_namespace: migrated.clone().and_then(|migrated| migrated.namespace),
            migrated_uid: migrated.and_then(|migrated| migrated.uid),
        }
    }

    pub(super) fn exporter_view(&self, exporter: &Exporter) -> ExporterView {
        let lab = &self.0.lab;
        let reported = exporter.reported.as_ref();
        let migrated = exporter.migrated.clone();
        ExporterView {
            namespace: exporter.key.namespace.clone(),
            name: exporter.key.name.clone(),
            uid: exporter.uid.to_string(),
            labels: exporter.labels.clone(),
            told: exporter.told.clone(),
            username: exporter.username.clone(),
            enabled: exporter.enabled,
            online: exporter.online,
            status: reported.map(|reported| camel(reported.status)),
            status_message: reported
                .map(|told| told.message.clone())
                .unwrap_or_default(),
            last_seen: lab.last_seen(exporter).map(time),
            lease: lab
                .lease_on(exporter.uid)
                .map(|lease| lease.key.name.clone()),
            devices: exporter
                .devices
                .iter()
                .map(|device| DeviceView {
                    uuid: device.uuid.clone(),
                    parent: device.parent.clone(),
                    labels: device.labels.clone(),
                })
                .collect(),
            created: time(exporter.created),
            generation: exporter.generation,
            endpoint: self.config().public.grpc.clone(),
            migrated_namespace: migrated.clone().and_then(|migrated| migrated.namespace),
            migrated_uid: migrated.and_then(|migrated| migrated.uid),
        }
    }
}

/// `EXPORTER_STATUS_LEASE_READY` as people read it: `LeaseReady`.
fn camel(status: jumpstarter_proto::v1::ExporterStatus) -> String {
    let name = status.as_str_name();
    let words = name
        .strip_prefix("EXPORTER_STATUS_")
        .unwrap_or(name)
        .split('_');
    words
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            format!("{first}{}", rest.to_lowercase())
        })
        .collect()
}

fn migrated(new: &NewObject) -> Option<Migrated> {
    let (namespace, uid) = (new.migrated_namespace.clone(), new.migrated_uid.clone());
    (namespace.is_some() || uid.is_some()).then_some(Migrated { namespace, uid })
}

/// The new username, if it changes; an empty one removes it.
fn username(change: &Alteration) -> Option<Option<String>> {
    let username = change.username.clone()?;
    Some((!username.is_empty()).then_some(username))
}

pub(super) async fn clients(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Json<Vec<ClientView>> {
    let all = api.0.lab.clients(&namespace, &Page::default());
    Json(all.iter().map(|client| api.client_view(client)).collect())
}

pub(super) async fn client(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
) -> Outcome<ClientView> {
    let client = api.0.lab.client(&Key::new(namespace, &name));
    let client = client.ok_or_else(|| Refusal::not_found("clients", &name))?;
    Ok(Json(api.client_view(&client)))
}

pub(super) async fn new_client(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<NewObject>,
) -> Outcome<ClientView> {
    let new = NewClient {
        migrated: migrated(&body),
        key: Key::new(namespace, body.name),
        labels: body.labels,
        username: body.username,
        provisioned: false,
    };
    let client = api.0.lab.create_client(new, &actor).await?;
    Ok(Json(api.client_view(&client)))
}

pub(super) async fn alter_client(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<Alteration>,
) -> Outcome<ClientView> {
    let key = Key::new(namespace, name);
    if body.enabled.is_some() {
        return Err(Refusal::invalid(
            "only exporters can be enabled or disabled",
        ));
    }
    let change = ClientChange {
        username: username(&body),
        labels: body.labels,
    };
    let client = api.0.lab.alter_client(key, change, &actor).await?;
    Ok(Json(api.client_view(&client)))
}

pub(super) async fn delete_client(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<()> {
    api.0
        .lab
        .delete_client(Key::new(namespace, name), &actor)
        .await?;
    Ok(Json(()))
}

pub(super) async fn exporters(
    State(api): State<Api>,
    Path(namespace): Path<String>,
) -> Json<Vec<ExporterView>> {
    let all = api
        .0
        .lab
        .exporters(&namespace, &Default::default(), &Page::default());
    Json(
        all.iter()
            .map(|exporter| api.exporter_view(exporter))
            .collect(),
    )
}

pub(super) async fn exporter(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
) -> Outcome<ExporterView> {
    let exporter = api.0.lab.exporter(&Key::new(namespace, &name));
    let exporter = exporter.ok_or_else(|| Refusal::not_found("exporters", &name))?;
    Ok(Json(api.exporter_view(&exporter)))
}

pub(super) async fn new_exporter(
    State(api): State<Api>,
    Path(namespace): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<NewObject>,
) -> Outcome<ExporterView> {
    let new = NewExporter {
        migrated: migrated(&body),
        key: Key::new(namespace, body.name),
        labels: body.labels,
        username: body.username,
    };
    let exporter = api.0.lab.create_exporter(new, &actor).await?;
    Ok(Json(api.exporter_view(&exporter)))
}

pub(super) async fn alter_exporter(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<Alteration>,
) -> Outcome<ExporterView> {
    let key = Key::new(namespace, name);
    let change = ExporterChange {
        enabled: body.enabled,
        username: username(&body),
        labels: body.labels,
    };
    let exporter = api.0.lab.alter_exporter(key, change, &actor).await?;
    Ok(Json(api.exporter_view(&exporter)))
}

pub(super) async fn delete_exporter(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<()> {
    api.0
        .lab
        .delete_exporter(Key::new(namespace, name), &actor)
        .await?;
    Ok(Json(()))
}
