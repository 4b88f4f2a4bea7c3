//! The lab as a whole: what it is, what is in it, and what happened there.

use serde::{Deserialize, Serialize};

use super::{ClientView, ExporterView, LeaseView, PolicyView};

/// What administrators' commands need to know about a controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    pub version: String,
    /// The namespace of commands that name none.
    pub namespace: String,
    /// All namespaces there are.
    pub namespaces: Vec<String>,
    /// The endpoint of the controller, `host:port`.
    pub endpoint: String,
    /// The endpoint of its router, `host:port`.
    pub router: String,
    /// The certificates to trust, as base64 of PEM; empty for those of the system.
    pub ca: String,
}

/// Where a backup is to be written, on the controller's machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupTo {
    /// The absolute path of a file that does not exist yet.
    pub path: std::path::PathBuf,
}

/// All objects of a lab, without its tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Everything {
    #[serde(default)]
    pub clients: Vec<ClientView>,
    #[serde(default)]
    pub exporters: Vec<ExporterView>,
    #[serde(default)]
    pub policies: Vec<PolicyView>,
    /// Leases that have not ended.
    #[serde(default)]
    pub leases: Vec<LeaseView>,
}

/// What an import did with each object, named as in `client lab/alice`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    /// New objects.
    pub created: Vec<String>,
    /// Objects that existed, and were left as they are.
    pub skipped: Vec<String>,
    /// Objects that existed, and were replaced.
    #[serde(default)]
    pub replaced: Vec<String>,
}

/// A record of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordView {
    /// Grows with every record, even if the clock is set back.
    pub id: i64,
    /// RFC 3339.
    pub at: String,
    /// Who did it: `client:lab/alice`, `admin:root`, or `lab` for what happens by itself.
    pub actor: String,
    /// What was done, in one word as `LeaseGranted`.
    pub what: String,
    /// The kind of the object it was done to.
    pub kind: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Details for people.
    pub detail: String,
}
