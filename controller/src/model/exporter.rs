//! Exporters as the lab knows them.

use jumpstarter_proto::v1::ExporterStatus;

use super::{Key, Labels, Migrated, Time, Uid};

/// An exporter: a lab host, or what of it is shared under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exporter {
    pub uid: Uid,
    pub key: Key,
    /// Labels that administrators set.
    pub labels: Labels,
    /// Labels that it reports at registration, all `jumpstarter.dev/…`; they win over `labels`.
    pub told: Labels,
    /// The external user that may act as it, as `dex:alice`.
    pub username: Option<String>,
    /// The other subject of its tokens, if it comes from another installation.
    pub migrated: Option<Migrated>,
    /// Whether leases by selector may get it.
    pub enabled: bool,
    /// Its driver tree as of the last registration; empty if it is not registered.
    pub devices: Vec<Device>,
    /// The status it last reported; `None` before the first report, and after a lost connection came
    /// back.
    pub reported: Option<Reported>,
    /// Whether it counts as connected. The exact time when it was last heard of is in memory only.
    pub online: bool,
    /// When it was last heard of, as far as the database knows.
    pub last_seen: Option<Time>,
    /// Counts the changes by administrators.
    pub generation: i64,
    pub created: Time,
}

/// A status that an exporter reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    pub status: ExporterStatus,
    /// A sentence for people.
    pub message: String,
}

/// A driver instance of an exporter.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Device {
    /// Chosen by the exporter.
    pub uuid: String,
    /// The uuid of the driver it belongs to.
    pub parent: Option<String>,
    /// Among them its name and the class of its client.
    pub labels: Labels,
}

// === impl Exporter ===

impl Exporter {
    /// A label, from either source.
    pub fn label(&self, key: &str) -> Option<&str> {
        let value = self.told.get(key).or_else(|| self.labels.get(key));
        value.map(String::as_str)
    }

    /// All labels, from both sources.
    pub fn all_labels(&self) -> Labels {
        let mut labels = self.labels.clone();
        labels.extend(self.told.clone());
        labels
    }

    /// Whether it has registered its devices.
    pub fn is_registered(&self) -> bool {
        !self.devices.is_empty()
    }

    /// Whether its own status allows a lease to begin on it.
    pub fn is_ready(&self) -> bool {
        self.reported.as_ref().is_none_or(|reported| {
            matches!(
                reported.status,
                ExporterStatus::Available | ExporterStatus::Unspecified
            )
        })
    }
}
