//! Exporters as the lab knows them.

use jumpstarter_proto::v1::ExporterStatus;

use super::{Key, Labels, Migrated, Time, Uid};

/// A lab host, or what of it is shared under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exporter {
    /// This incarnation.
    pub uid: Uid,
    /// Its name.
    pub key: Key,
    /// Set by administrators.
    pub labels: Labels,
    /// Told at registration, all `jumpstarter.dev/…`; they win over `labels`.
    pub told: Labels,
    /// External identity that may act as it, as `dex:alice`.
    pub username: Option<String>,
    /// From another installation.
    pub migrated: Option<Migrated>,
    /// Whether leases by selector may take it.
    pub enabled: bool,
    /// Its driver tree as of the last registration; empty is not registered.
    pub devices: Vec<Device>,
    /// What it last said of itself; nothing before its first word, and after its connection was lost
    /// and found again.
    pub reported: Option<Reported>,
    /// Whether it counts as connected. The exact time of the last sign of life is in memory only.
    pub online: bool,
    /// The last sign of life that the database knows of.
    pub last_seen: Option<Time>,
    /// Grows with every change of what administrators set.
    pub generation: i64,
    /// When it was made.
    pub created: Time,
}

/// What an exporter said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Where its session stands.
    pub status: ExporterStatus,
    /// The same in words.
    pub message: String,
}

/// A driver instance.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Device {
    /// Chosen by the exporter.
    pub uuid: String,
    /// The driver it belongs to.
    pub parent: Option<String>,
    /// With the client class and the name.
    pub labels: Labels,
}

// === impl Exporter ===

impl Exporter {
    /// A label, whoever set it.
    pub fn label(&self, key: &str) -> Option<&str> {
        let value = self.told.get(key).or_else(|| self.labels.get(key));
        value.map(String::as_str)
    }

    /// All labels, whoever set them.
    pub fn all_labels(&self) -> Labels {
        let mut labels = self.labels.clone();
        labels.extend(self.told.clone());
        labels
    }

    /// Whether it has told what it is made of.
    pub fn is_registered(&self) -> bool {
        !self.devices.is_empty()
    }

    /// Whether a lease could begin on it, as far as it says itself.
    pub fn is_ready(&self) -> bool {
        self.reported.as_ref().is_none_or(|reported| {
            matches!(
                reported.status,
                ExporterStatus::Available | ExporterStatus::Unspecified
            )
        })
    }
}
