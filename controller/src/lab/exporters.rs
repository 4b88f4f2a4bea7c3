//! What becomes of exporters.

use std::sync::Arc;

use jumpstarter_proto::v1::ExporterStatus;

use super::change_summary::ChangeSummary;
use super::presence::{Presence, Present};
use super::step::{Command, Step};
use super::{Lab, LabError, clock};
use crate::model::validate::LabelChanges;
use crate::model::{Device, EndReason, Exporter, Key, Labels, Migrated, Reported, Uid, validate};
use crate::store::Change;

const PLURAL: &str = "exporters";
/// Labels that exporters tell have this prefix; others are for administrators.
const OURS: &str = "jumpstarter.dev/";

/// An exporter to be made.
#[derive(Clone, Debug)]
pub struct NewExporter {
    /// Its name.
    pub key: Key,
    /// Its labels.
    pub labels: Labels,
    /// External identity that may act as it.
    pub username: Option<String>,
    /// From another installation.
    pub migrated: Option<Migrated>,
}

/// What of an exporter is to be changed; nothing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ExporterChange {
    /// Labels to set, or to take away; the others stay, whoever else changes them.
    pub labels: LabelChanges,
    /// Whether leases by selector may take it.
    pub enabled: Option<bool>,
    /// External identity, or none.
    pub username: Option<Option<String>>,
}

struct Register {
    uid: Uid,
    told: Labels,
    devices: Vec<Device>,
}

struct Unregister {
    uid: Uid,
    reason: String,
}

struct Report {
    uid: Uid,
    reported: Reported,
    release: bool,
}

struct Opened {
    uid: Uid,
}

struct Create {
    new: NewExporter,
    actor: String,
}

struct Alter {
    key: Key,
    change: ExporterChange,
    actor: String,
}

struct Delete {
    key: Key,
    actor: String,
}

// === impl Lab ===

impl Lab {
    /// An exporter tells what it is made of. Labels that are not its to tell are ignored.
    pub async fn register(
        &self,
        uid: Uid,
        labels: Labels,
        devices: Vec<Device>,
    ) -> Result<(), LabError> {
        let mut told = labels;
        told.retain(|key, _| key.starts_with(OURS));
        self.change(Register { uid, told, devices }).await
    }

    /// An exporter says goodbye. Its lease, if it has one, goes on.
    pub async fn unregister(&self, uid: Uid, reason: String) -> Result<(), LabError> {
        self.change(Unregister { uid, reason }).await
    }

    /// An exporter says where it stands, and perhaps that it gives its lease back.
    pub async fn report(
        &self,
        uid: Uid,
        reported: Reported,
        release: bool,
    ) -> Result<(), LabError> {
        self.presence.sign(uid);
        let report = Report {
            uid,
            reported,
            release,
        };
        self.change(report).await
    }

    /// An exporter has come, and is there for as long as what is returned is kept.
    pub async fn arrive(&self, uid: Uid) -> Result<Present, LabError> {
        let present = self.presence.open(uid);
        self.change(Opened { uid }).await?;
        Ok(present)
    }

    /// Makes an exporter.
    pub async fn create_exporter(
        &self,
        new: NewExporter,
        actor: &str,
    ) -> Result<Arc<Exporter>, LabError> {
        let actor = actor.to_owned();
        self.change(Create { new, actor }).await
    }

    /// Changes what administrators may.
    pub async fn alter_exporter(
        &self,
        key: Key,
        change: ExporterChange,
        actor: &str,
    ) -> Result<Arc<Exporter>, LabError> {
        let actor = actor.to_owned();
        self.change(Alter { key, change, actor }).await
    }

    /// Deletes an exporter with its credentials, and ends its lease.
    pub async fn delete_exporter(&self, key: Key, actor: &str) -> Result<(), LabError> {
        let actor = actor.to_owned();
        self.change(Delete { key, actor }).await
    }
}

// === impl Step ===

impl Step<'_> {
    fn exporter(&self, uid: Uid) -> Result<Exporter, LabError> {
        let exporter = self.state.exporters.get(uid);
        exporter
            .map(|exporter| Exporter::clone(exporter))
            .ok_or_else(|| LabError::NotFound {
                plural: PLURAL,
                name: uid.to_string(),
            })
    }

    fn exporter_named(&self, key: &Key) -> Result<Exporter, LabError> {
        let exporter = self.state.exporters.named(key);
        exporter
            .map(|exporter| Exporter::clone(exporter))
            .ok_or_else(|| LabError::NotFound {
                plural: PLURAL,
                name: key.name.clone(),
            })
    }

    fn put_exporter(&mut self, exporter: Exporter) -> Arc<Exporter> {
        let exporter = Arc::new(exporter);
        if self.state.exporters.get(exporter.uid) != Some(&exporter) {
            self.change(Change::Exporter(Arc::clone(&exporter)));
        }
        exporter
    }
}

/// Exporters that have not been heard of for too long are offline.
pub(super) fn fall_silent(step: &mut Step<'_>, presence: &Presence) {
    for uid in presence.silent() {
        match step.exporter(uid) {
            Ok(exporter) if exporter.online => {
                let last_seen = presence.last(uid).or(exporter.last_seen);
                lose(
                    step,
                    Exporter {
                        last_seen,
                        ..exporter
                    },
                );
            }
            // The database knows, or the exporter is no more.
            _ => presence.forget_silent(uid),
        }
    }
}

fn lose(step: &mut Step<'_>, mut exporter: Exporter) {
    exporter.online = false;
    let offline = |reported: &Reported| reported.status == ExporterStatus::Offline;
    if !exporter.reported.as_ref().is_some_and(offline) {
        exporter.reported = Some(Reported {
            status: ExporterStatus::Offline,
            message: "Connection lost - last seen more than 1 minute ago".to_owned(),
        });
    }
    let key = exporter.key.clone();
    step.put_exporter(exporter);
    let exporter = ("exporter", &key);
    step.record("lab", "ExporterOffline", exporter, "connection lost");
}

// === impl Command ===

impl Command for Register {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        validate::labels(&self.told).map_err(LabError::Invalid)?;
        exporter.told = self.told;
        exporter.devices = self.devices;
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        step.record(actor(&key), "ExporterRegistered", ("exporter", &key), "");
        Ok(())
    }
}

impl Command for Unregister {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        let message = match self.reason.as_str() {
            "" => "Exporter unregistered".to_owned(),
            reason => reason.to_owned(),
        };
        exporter.devices.clear();
        exporter.online = false;
        exporter.last_seen = Some(step.now);
        exporter.reported = Some(Reported {
            status: ExporterStatus::Offline,
            message: message.clone(),
        });
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        step.record(
            actor(&key),
            "ExporterUnregistered",
            ("exporter", &key),
            message,
        );
        Ok(())
    }
}

impl Command for Report {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        exporter.online = !matches!(
            self.reported.status,
            ExporterStatus::Offline | ExporterStatus::Unspecified
        );
        exporter.reported = Some(self.reported);
        if !exporter.online {
            exporter.last_seen = Some(step.now);
        }
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        if self.release
            && let Some(lease) = step.state.lease_on(self.uid)
        {
            let lease = crate::model::Lease::clone(lease);
            clock::end(step, lease, EndReason::Released, &actor(&key));
        }
        Ok(())
    }
}

impl Command for Opened {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        let was = exporter.online;
        exporter.online = true;
        // It was offline for us; what it is now it says itself, if it is one that says anything.
        if exporter
            .reported
            .as_ref()
            .is_some_and(|reported| reported.status == ExporterStatus::Offline)
        {
            exporter.reported = None;
        }
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        if !was {
            step.record(actor(&key), "ExporterOnline", ("exporter", &key), "");
        }
        Ok(())
    }
}

impl Command for Create {
    type Answer = Arc<Exporter>;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Arc<Exporter>, LabError> {
        let NewExporter {
            key,
            labels,
            username,
            migrated,
        } = self.new;
        validate::namespace(&key.namespace).map_err(LabError::Invalid)?;
        validate::name(PLURAL, &key.name).map_err(LabError::Invalid)?;
        validate::labels(&labels).map_err(LabError::Invalid)?;
        if step.state.exporters.named(&key).is_some() {
            return Err(LabError::Exists {
                plural: PLURAL,
                name: key.name,
            });
        }
        let exporter = step.put_exporter(Exporter {
            uid: Uid::random(),
            key,
            labels,
            told: Labels::new(),
            username,
            migrated,
            enabled: true,
            devices: Vec::new(),
            reported: None,
            online: false,
            last_seen: None,
            generation: 1,
            created: step.now,
        });
        let mut summary = ChangeSummary::default();
        summary.labels(&Labels::new(), &exporter.labels);
        summary.optional("username", None, exporter.username.clone());
        step.record(
            self.actor,
            "ExporterCreated",
            ("exporter", &exporter.key),
            summary.text(),
        );
        Ok(exporter)
    }
}

impl Command for Alter {
    type Answer = Arc<Exporter>;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Arc<Exporter>, LabError> {
        let mut exporter = step.exporter_named(&self.key)?;
        let before = exporter.clone();
        let labels = std::mem::take(&mut exporter.labels);
        let changed = validate::changed_labels(labels, self.change.labels);
        exporter.labels = changed.map_err(LabError::Invalid)?;
        exporter.enabled = self.change.enabled.unwrap_or(exporter.enabled);
        exporter.username = self.change.username.unwrap_or(exporter.username);
        exporter.generation += 1;
        let mut summary = ChangeSummary::default();
        summary.labels(&before.labels, &exporter.labels);
        summary.change("enabled", before.enabled, exporter.enabled);
        summary.optional("username", before.username, exporter.username.clone());
        let exporter = step.put_exporter(exporter);
        step.record(
            self.actor,
            "ExporterChanged",
            ("exporter", &exporter.key),
            summary.text(),
        );
        Ok(exporter)
    }
}

impl Command for Delete {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let exporter = step.exporter_named(&self.key)?;
        if let Some(lease) = step.state.lease_on(exporter.uid) {
            let lease = crate::model::Lease::clone(lease);
            clock::end(step, lease, EndReason::Deleted, &self.actor);
        }
        step.change(Change::NoExporter(exporter.uid));
        step.record(self.actor, "ExporterDeleted", ("exporter", &self.key), "");
        Ok(())
    }
}

fn actor(key: &Key) -> String {
    format!("exporter:{key}")
}
