//! Everything at once: what this is, and its objects out and in again.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};

use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::leases::moment;
use super::types::{About, BackupTo, Everything, Imported, LeaseView};
use super::{Api, policies};
use crate::lab::{
    ExporterChange, LabError, LeaseQuery, NewClient, NewExporter, NewLease, NewPolicy, Page,
};
use crate::model::{Key, Length, Migrated, Wish};

pub(super) async fn about(State(api): State<Api>) -> Json<About> {
    let config = api.config();
    Json(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        namespace: config.namespace.clone(),
        namespaces: api.0.lab.namespaces(),
        endpoint: config.public.grpc.clone(),
        router: config
            .router_endpoints()
            .into_iter()
            .next()
            .unwrap_or_default(),
        ca: api.ca(),
    })
}

pub(super) async fn backup(State(api): State<Api>, Json(to): Json<BackupTo>) -> Outcome<()> {
    if !to.path.is_absolute() {
        return Err(Refusal::invalid("the path of a backup must be absolute"));
    }
    let store = api.0.lab.store();
    let saved = store.backup(to.path).await;
    saved.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(Json(()))
}

pub(super) async fn export(State(api): State<Api>) -> Outcome<Everything> {
    let lab = &api.0.lab;
    let mut all = Everything::default();
    for namespace in lab.namespaces() {
        let clients = lab.clients(&namespace, &Page::default());
        all.clients
            .extend(clients.iter().map(|client| api.client_view(client)));
        let exporters = lab.exporters(&namespace, &Default::default(), &Page::default());
        all.exporters
            .extend(exporters.iter().map(|exporter| api.exporter_view(exporter)));
        let rules = lab.policies(&namespace);
        all.policies
            .extend(rules.iter().map(|policy| policies::view(policy)));
        let query = LeaseQuery {
            namespace,
            ..LeaseQuery::default()
        };
        let open = lab.leases(query).await?;
        all.leases
            .extend(open.iter().map(|lease| api.lease_view(lease)));
    }
    Ok(Json(all))
}

/// Objects that are not there yet are made. Those of another installation keep the subject of their
/// tokens, which work here once its key was imported.
pub(super) async fn import(
    State(api): State<Api>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(all): Json<Everything>,
) -> Outcome<Imported> {
    let mut imported = Imported::default();
    // Whatever can be wrong with it is found out before the first change.
    let mut rules = Vec::new();
    for policy in all.policies {
        let (exporters, list) = policy.spec.read().map_err(|why| {
            Refusal::invalid(format!(
                "policy {}/{}: {why}",
                policy.namespace, policy.name
            ))
        })?;
        rules.push(NewPolicy {
            key: Key::new(policy.namespace, policy.name),
            exporters,
            rules: list,
        });
    }
    let mut leases = Vec::new();
    for lease in all.leases {
        let key = Key::new(&lease.namespace, &lease.name);
        let wrong = |why: &dyn std::fmt::Display| Refusal::invalid(format!("lease {key}: {why}"));
        let wish = wish(&lease).map_err(|refusal| wrong(&refusal.message()))?;
        leases.push(NewLease {
            namespace: lease.namespace,
            name: Some(lease.name),
            owner: lease.client,
            selector: lease.selector.parse().map_err(|error| wrong(&error))?,
            pinned: lease.pinned,
            allow_disabled: lease.allow_disabled,
            wish,
            tags: lease.tags,
            context: lease.context,
            most_tags: usize::MAX,
        });
    }
    let lab = &api.0.lab;
    for client in all.clients {
        let key = Key::new(&client.namespace, &client.name);
        let new = NewClient {
            migrated: migrated(
                &key,
                client.migrated_namespace,
                client.migrated_uid,
                client.uid,
            ),
            key: key.clone(),
            labels: client.labels,
            username: client.username,
            provisioned: client.provisioned,
        };
        let made = lab.create_client(new, &actor).await.map(drop);
        imported.note(format!("client {key}"), made)?;
    }
    for exporter in all.exporters {
        let key = Key::new(&exporter.namespace, &exporter.name);
        let new = NewExporter {
            migrated: migrated(
                &key,
                exporter.migrated_namespace,
                exporter.migrated_uid,
                exporter.uid,
            ),
            key: key.clone(),
            labels: exporter.labels,
            username: exporter.username,
        };
        let mut made = lab.create_exporter(new, &actor).await.map(drop);
        if made.is_ok() && !exporter.enabled {
            let disabled = ExporterChange {
                enabled: Some(false),
                ..ExporterChange::default()
            };
            made = lab
                .alter_exporter(key.clone(), disabled, &actor)
                .await
                .map(drop);
        }
        imported.note(format!("exporter {key}"), made)?;
    }
    for policy in rules {
        let key = policy.key.clone();
        // Applying it would take the place of the one that is there.
        let there = lab.policies(&key.namespace);
        if there.iter().any(|there| there.key == key) {
            imported.skipped.push(format!("policy {key}"));
            continue;
        }
        let made = lab.apply_policy(policy, &actor).await.map(drop);
        imported.note(format!("policy {key}"), made)?;
    }
    for new in leases {
        let name = new.name.clone().unwrap_or_default();
        let key = Key::new(&new.namespace, name);
        let made = lab.create_lease(new).await.map(drop);
        imported.note(format!("lease {key}"), made)?;
    }
    Ok(Json(imported))
}

/// What somebody asked for once, asked for again.
fn wish(lease: &LeaseView) -> Result<Wish, Refusal> {
    let length = lease.duration.map(Duration::try_from_secs_f64).transpose();
    let length = length.map_err(|_| Refusal::invalid("its duration is no length of time"))?;
    Ok(Wish {
        begin: moment(lease.not_before.as_deref())?,
        end: moment(lease.not_after.as_deref())?,
        duration: length.map(Length::from),
    })
}

fn migrated(
    key: &Key,
    namespace: Option<String>,
    uid: Option<String>,
    before: String,
) -> Option<Migrated> {
    Some(Migrated {
        namespace: namespace.or_else(|| Some(key.namespace.clone())),
        uid: uid.or(Some(before)).filter(|uid| !uid.is_empty()),
    })
}

// === impl Imported ===

impl Imported {
    fn note(&mut self, what: String, made: Result<(), LabError>) -> Result<(), Refusal> {
        match made {
            Ok(()) => self.created.push(what),
            Err(LabError::Exists { .. }) => self.skipped.push(what),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
