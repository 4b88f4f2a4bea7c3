//! Leases.

use serde::{Deserialize, Serialize};

use crate::model::Labels;

/// A lease that an administrator makes for a client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLeaseBody {
    /// Its name; one is made up if this is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The client that owns it.
    pub client: String,
    /// Selects exporters by their labels; may be empty if `exporter` is set.
    #[serde(default)]
    pub selector: String,
    /// The only exporter that will do.
    #[serde(default)]
    pub exporter: Option<String>,
    /// Whether `exporter` may be disabled.
    #[serde(default)]
    pub allow_disabled: bool,
    /// Its length, as `1h30m`.
    #[serde(default)]
    pub duration: Option<String>,
    /// When it may begin, RFC 3339.
    #[serde(default)]
    pub begin: Option<String>,
    /// When it has to end, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// Labels to find it by.
    #[serde(default)]
    pub tags: Labels,
    /// Fields that the exporter adds to its log lines.
    #[serde(default)]
    pub context: Labels,
}

/// Changes to a lease; a field that is left out stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseAlteration {
    /// The client that shall own it.
    #[serde(default)]
    pub client: Option<String>,
    /// Its whole length, as `1h30m`.
    #[serde(default)]
    pub duration: Option<String>,
    /// When it may begin, RFC 3339.
    #[serde(default)]
    pub begin: Option<String>,
    /// When it has to end, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
}

/// A lease, as it is shown. All times are RFC 3339.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaseView {
    pub namespace: String,
    pub name: String,
    /// Differs from that of any other lease.
    pub uid: String,
    /// The client that owns it.
    pub client: String,
    /// Selects exporters by their labels.
    pub selector: String,
    /// The only exporter that will do.
    pub pinned: Option<String>,
    /// The exporter it has got.
    pub exporter: Option<String>,
    /// The priority of the policy's rule that granted it, if any did.
    #[serde(default)]
    pub priority: Option<i64>,
    /// `Scheduled`, `Pending`, `Active`, `Ended`.
    pub state: String,
    /// Its length in seconds.
    pub duration: Option<f64>,
    pub not_before: Option<String>,
    pub not_after: Option<String>,
    pub began: Option<String>,
    pub ended: Option<String>,
    pub tags: Labels,
    pub context: Labels,
    pub conditions: Vec<ConditionView>,
    pub created: String,
    /// Counts the changes of what is asked for.
    #[serde(default)]
    pub generation: i64,
    /// Whether the pinned exporter may be disabled.
    #[serde(default)]
    pub allow_disabled: bool,
    /// Bytes that went through this router, as long as it remembers them.
    pub bytes: Option<u64>,
}

/// What a client is told about its lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionView {
    /// `Pending`, `Ready`, `Unsatisfiable`, `Invalid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub holds: bool,
    /// One word, in CamelCase, for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Since when it is as it is, RFC 3339.
    pub since: String,
    /// The generation of the lease when it was written.
    #[serde(default)]
    pub generation: i64,
}
