//! Clients, exporters and policies.

use serde::{Deserialize, Serialize};

use crate::admin::PolicySpec;
use crate::model::Labels;

/// A client or an exporter to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewObject {
    pub name: String,
    #[serde(default)]
    pub labels: Labels,
    /// The external user that may act as it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The namespace in the subject of its tokens from another installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_namespace: Option<String>,
    /// The uid in that subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_uid: Option<String>,
}

/// Changes to a client or an exporter; a field that is left out stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alteration {
    /// Labels to set, or to remove with null; others stay.
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, Option<String>>,
    /// The external user that may act as it; empty for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether leases by selector may get the exporter; clients have no such switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A client, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientView {
    pub namespace: String,
    pub name: String,
    /// Differs from that of any other client, also of an earlier one of this name.
    pub uid: String,
    pub labels: Labels,
    /// The external user that may act as it.
    pub username: Option<String>,
    /// Whether it was made for an external user on the first call.
    pub provisioned: bool,
    /// RFC 3339.
    pub created: String,
    pub generation: i64,
    /// The endpoint of its controller, `host:port`.
    pub endpoint: String,
    /// The namespace in the subject of its tokens from another installation.
    #[serde(default)]
    pub migrated_namespace: Option<String>,
    /// The uid in that subject.
    #[serde(default)]
    pub migrated_uid: Option<String>,
}

/// An exporter, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExporterView {
    pub namespace: String,
    pub name: String,
    /// Differs from that of any other exporter, also of an earlier one of this name.
    pub uid: String,
    pub labels: Labels,
    /// Labels that the exporter reports.
    pub told: Labels,
    /// The external user that may act as it.
    pub username: Option<String>,
    /// Whether leases by selector may get it.
    pub enabled: bool,
    pub online: bool,
    /// The status it reports, as `Available`; none before its first report.
    pub status: Option<String>,
    /// The message with that status.
    pub status_message: String,
    /// When it was last connected, RFC 3339.
    pub last_seen: Option<String>,
    /// The name of the lease it serves.
    pub lease: Option<String>,
    pub devices: Vec<DeviceView>,
    /// RFC 3339.
    pub created: String,
    /// Counts the changes by administrators.
    pub generation: i64,
    /// The endpoint of its controller, `host:port`.
    pub endpoint: String,
    /// The namespace in the subject of its tokens from another installation.
    #[serde(default)]
    pub migrated_namespace: Option<String>,
    /// The uid in that subject.
    #[serde(default)]
    pub migrated_uid: Option<String>,
}

/// A driver of an exporter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceView {
    /// Chosen by the exporter.
    pub uuid: String,
    /// The uuid of the driver it belongs to.
    pub parent: Option<String>,
    /// Among them its name and the class of its client.
    pub labels: Labels,
}

/// An access policy, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyView {
    pub namespace: String,
    pub name: String,
    /// What it says, as in the reference's files.
    pub spec: PolicySpec,
    /// RFC 3339.
    #[serde(default)]
    pub created: String,
}
