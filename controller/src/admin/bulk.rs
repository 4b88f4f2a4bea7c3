//! The lab as a whole: what it is, backup, export, import.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Deserialize;

use super::actor::{Actor, Offline};
use super::error::{Outcome, Refusal};
use super::leases::moment;
use super::types::{About, BackupTo, ClientView, Everything, Imported, LeaseView};
use super::{Api, policies};
use crate::lab::{
    ExporterChange, Lab, LabError, LeaseQuery, NewClient, NewExporter, NewLease, NewPolicy, Page,
};
use crate::model::{Key, Labels, Length, Migrated, Wish, validate};
use crate::serve::LocalUser;

/// The query of an import.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    /// Whether policies of the same name are replaced.
    #[serde(default)]
    replace: bool,
}

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

/// Makes a backup. Only for users of this machine, since it writes wherever the controller may.
pub(super) async fn backup(
    State(api): State<Api>,
    Extension(Actor(actor)): Extension<Actor>,
    local: Option<Extension<LocalUser>>,
    offline: Option<Extension<Offline>>,
    Json(to): Json<BackupTo>,
) -> Outcome<()> {
    if local.is_none() && offline.is_none() {
        return Err(Refusal::forbidden(
            "a backup is made on the controller's machine; run `jmp-controller backup` there",
        ));
    }
    if !to.path.is_absolute() {
        return Err(Refusal::invalid("the path of a backup must be absolute"));
    }
    let lab = &api.0.lab;
    let path = to.path.display().to_string();
    let saved = lab.store().backup(to.path).await;
    saved.map_err(|error| Refusal::internal(error.to_string()))?;
    let whole = ("lab", Key::new("", ""));
    lab.note(&actor, "BackupMade", whole, path).await?;
    Ok(Json(()))
}

pub(super) async fn export(
    State(api): State<Api>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<Everything> {
    let lab = &api.0.lab;
    let whole = ("lab", Key::new("", ""));
    lab.note(&actor, "LabExported", whole, "").await?;
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
        all.leases.extend(api.lease_views(&open).await);
    }
    Ok(Json(all))
}

/// Makes the objects that do not exist yet. Those of another installation keep the subject of their
/// tokens, which are valid here once its key was imported.
pub(super) async fn import(
    State(api): State<Api>,
    Query(how): Query<How>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(all): Json<Everything>,
) -> Outcome<Imported> {
    let lab = &api.0.lab;
    let mut imported = Imported::default();
    // All mistakes are found before the first change.
    check(&all, lab)?;
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
    // Policies first: without any, everybody could use the new exporters.
    for policy in rules {
        let key = policy.key.clone();
        let what = format!("policy {key}");
        let there = lab.policies(&key.namespace);
        let is_there = there.iter().any(|there| there.key == key);
        if is_there && !how.replace {
            imported.skipped.push(what);
            continue;
        }
        lab.apply_policy(policy, &actor).await?;
        match is_there {
            true => imported.replaced.push(what),
            false => imported.created.push(what),
        }
    }
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
    for new in leases {
        let name = new.name.clone().unwrap_or_default();
        let key = Key::new(&new.namespace, name);
        let made = lab.create_lease_for(new, &actor).await.map(drop);
        imported.note(format!("lease {key}"), made)?;
    }
    Ok(Json(imported))
}

/// Checks whatever the lab would refuse, so that an import is not left half done.
fn check(all: &Everything, lab: &Lab) -> Result<(), Refusal> {
    let object =
        |kind: &str, plural: &str, namespace: &str, name: &str, labels: Option<&Labels>| {
            let good = validate::namespace(namespace)
                .and_then(|()| validate::name(plural, name))
                .and_then(|()| labels.map_or(Ok(()), validate::labels));
            good.map_err(|why| Refusal::invalid(format!("{kind} {namespace}/{name}: {why}")))
        };
    for client in &all.clients {
        let labels = Some(&client.labels);
        object("client", "clients", &client.namespace, &client.name, labels)?;
    }
    for exporter in &all.exporters {
        let (namespace, name) = (&exporter.namespace, &exporter.name);
        let labels = Some(&exporter.labels);
        object("exporter", "exporters", namespace, name, labels)?;
    }
    for policy in &all.policies {
        let (namespace, name) = (&policy.namespace, &policy.name);
        object("policy", "exporteraccesspolicies", namespace, name, None)?;
    }
    for lease in &all.leases {
        let (namespace, name) = (&lease.namespace, &lease.name);
        object("lease", "leases", namespace, name, None)?;
        let wrong = |why: String| Refusal::invalid(format!("lease {namespace}/{name}: {why}"));
        validate::tags(&lease.tags, usize::MAX).map_err(wrong)?;
        validate::context(&lease.context).map_err(wrong)?;
        if lease.selector.trim().is_empty() && lease.pinned.is_none() {
            return Err(wrong("it has neither selector nor exporter".to_owned()));
        }
        let wish = wish(lease).map_err(|refusal| wrong(refusal.message().to_owned()))?;
        wish.resolve().map_err(|error| wrong(error.to_string()))?;
        let owner = Key::new(namespace, &lease.client);
        let comes =
            |client: &ClientView| client.namespace == owner.namespace && client.name == owner.name;
        if lab.client(&owner).is_none() && !all.clients.iter().any(comes) {
            return Err(wrong(format!("there is no client {owner}")));
        }
    }
    Ok(())
}

/// The times of an exported lease, as its owner asked for them.
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
