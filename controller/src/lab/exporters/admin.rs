//! What administrators do to exporters.

use std::sync::Arc;

use super::PLURAL;
use crate::lab::change_summary::ChangeSummary;
use crate::lab::step::{Command, Step};
use crate::lab::{Lab, LabError, clock};
use crate::model::validate::LabelChanges;
use crate::model::{EndReason, Exporter, Key, Labels, Migrated, Uid, validate};
use crate::store::Change;

/// An exporter to be made.
#[derive(Clone, Debug)]
pub struct NewExporter {
    pub key: Key,
    /// Labels that administrators set.
    pub labels: Labels,
    /// The external user that may act as it.
    pub username: Option<String>,
    /// Where it comes from, if its tokens are from another installation.
    pub migrated: Option<Migrated>,
}

/// Changes to an exporter; a field that is `None` leaves its value.
#[derive(Clone, Debug, Default)]
pub struct ExporterChange {
    /// Labels to set, or to remove with `None`; others stay as they are.
    pub labels: LabelChanges,
    /// Whether leases by selector may take it.
    pub enabled: Option<bool>,
    /// The external user that may act as it; `Some(None)` removes it.
    pub username: Option<Option<String>>,
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
    pub async fn create_exporter(
        &self,
        new: NewExporter,
        actor: &str,
    ) -> Result<Arc<Exporter>, LabError> {
        let actor = actor.to_owned();
        self.change(Create { new, actor }).await
    }

    /// Changes what administrators may change.
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

// === impl Command ===

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
