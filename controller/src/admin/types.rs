//! What goes over the wire between administrators' commands and the controller.

use serde::{Deserialize, Serialize};

use super::PolicySpec;
use crate::model::Labels;

/// Why something was not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// A word for programs, as Kubernetes has them: `NotFound`, `AlreadyExists`.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// A client or an exporter to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewObject {
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// External identity that may act as it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Namespace in the subject of tokens from another installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_namespace: Option<String>,
    /// Uid in the same subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_uid: Option<String>,
}

/// What of a client or exporter is to be changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alteration {
    /// Labels to set, or with null to remove.
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, Option<String>>,
    /// External identity; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether leases by selector may take the exporter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientView {
    /// Where.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// Which incarnation.
    pub uid: String,
    /// Its labels.
    pub labels: Labels,
    /// External identity that may act as it.
    pub username: Option<String>,
    /// Made by itself for an external user.
    pub provisioned: bool,
    /// When it was made.
    pub created: String,
    /// Grows with every change.
    pub generation: i64,
    /// Where its controller is.
    pub endpoint: String,
    /// Namespace in the subject of tokens from another installation.
    #[serde(default)]
    pub migrated_namespace: Option<String>,
    /// Uid in the same subject.
    #[serde(default)]
    pub migrated_uid: Option<String>,
}

/// An exporter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExporterView {
    /// Where.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// Which incarnation.
    pub uid: String,
    /// Labels that administrators set.
    pub labels: Labels,
    /// Labels that it told itself.
    pub told: Labels,
    /// External identity that may act as it.
    pub username: Option<String>,
    /// Whether leases by selector may take it.
    pub enabled: bool,
    /// Whether it is connected.
    pub online: bool,
    /// What it says of itself, as `Available`; none before its first word.
    pub status: Option<String>,
    /// The same in words.
    pub status_message: String,
    /// When it was last there.
    pub last_seen: Option<String>,
    /// The lease it serves.
    pub lease: Option<String>,
    /// Its drivers.
    pub devices: Vec<DeviceView>,
    /// When it was made.
    pub created: String,
    /// Grows with every change of what administrators set.
    pub generation: i64,
    /// Where its controller is.
    pub endpoint: String,
    /// Namespace in the subject of tokens from another installation.
    #[serde(default)]
    pub migrated_namespace: Option<String>,
    /// Uid in the same subject.
    #[serde(default)]
    pub migrated_uid: Option<String>,
}

/// A driver of an exporter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceView {
    /// Chosen by the exporter.
    pub uuid: String,
    /// The driver it belongs to.
    pub parent: Option<String>,
    /// With its name and the class of its client.
    pub labels: Labels,
}

/// A lease to be made for somebody.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLeaseBody {
    /// The name it shall have; none gets one.
    #[serde(default)]
    pub name: Option<String>,
    /// Whose it will be.
    pub client: String,
    /// Which exporters will do.
    #[serde(default)]
    pub selector: String,
    /// The one that will do.
    #[serde(default)]
    pub exporter: Option<String>,
    /// Whether that may be disabled.
    #[serde(default)]
    pub allow_disabled: bool,
    /// How long, as `1h30m`.
    #[serde(default)]
    pub duration: Option<String>,
    /// Not before, RFC 3339.
    #[serde(default)]
    pub begin: Option<String>,
    /// Not after, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// For finding it again.
    #[serde(default)]
    pub tags: Labels,
    /// For the logs.
    #[serde(default)]
    pub context: Labels,
}

/// What of a lease is to be changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseAlteration {
    /// Whose it shall be.
    #[serde(default)]
    pub client: Option<String>,
    /// How long in all, as `1h30m`.
    #[serde(default)]
    pub duration: Option<String>,
    /// Not before, RFC 3339.
    #[serde(default)]
    pub begin: Option<String>,
    /// Not after, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
}

/// A lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaseView {
    /// Where.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// Which incarnation.
    pub uid: String,
    /// Whose it is.
    pub client: String,
    /// Which exporters will do.
    pub selector: String,
    /// The one that will do.
    pub pinned: Option<String>,
    /// What it got.
    pub exporter: Option<String>,
    /// The priority of the policy's rule that granted it, if any did.
    #[serde(default)]
    pub priority: Option<i64>,
    /// `Scheduled`, `Pending`, `Active`, `Ended`.
    pub state: String,
    /// How long, in seconds.
    pub duration: Option<f64>,
    /// When it may begin.
    pub not_before: Option<String>,
    /// When it must end.
    pub not_after: Option<String>,
    /// When it began.
    pub began: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// Its tags.
    pub tags: Labels,
    /// Its context.
    pub context: Labels,
    /// What its client is told.
    pub conditions: Vec<ConditionView>,
    /// When it was made.
    pub created: String,
    /// Grows with every change of what was asked for.
    #[serde(default)]
    pub generation: i64,
    /// Whether the pinned exporter may be disabled.
    #[serde(default)]
    pub allow_disabled: bool,
    /// Bytes that went through the router, while it is known.
    pub bytes: Option<u64>,
}

/// What a client is told about its lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionView {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub holds: bool,
    /// A word for programs.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Since when.
    pub since: String,
    /// The generation of the lease when it was written.
    #[serde(default)]
    pub generation: i64,
}

/// A policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyView {
    /// Where.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// What it says, as in the reference's files.
    pub spec: PolicySpec,
    /// When it was made.
    #[serde(default)]
    pub created: String,
}

/// A token to be issued.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// How long it is good, as `8760h`; else as configured.
    #[serde(default)]
    pub lifetime: Option<String>,
    /// Whether earlier ones end.
    #[serde(default)]
    pub rotate: bool,
    /// How long they are still good then, as `10m`; else as configured.
    #[serde(default)]
    pub grace: Option<String>,
}

/// A new token, with all that a configuration file needs. It is shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The namespace of its owner.
    pub namespace: String,
    /// The name of its owner.
    pub name: String,
    /// Where the controller is.
    pub endpoint: String,
    /// Whom to trust, as base64 of PEM; may be empty.
    pub ca: String,
    /// Its id.
    pub id: String,
    /// Until when it is good.
    pub expires: String,
    /// The token.
    pub token: String,
}

/// A token that was issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// When it was issued.
    pub issued: String,
    /// Until when it is good by itself.
    pub expires: String,
    /// From when on it is not, nevertheless.
    pub revoked: Option<String>,
    /// Whether it is good now.
    pub good: bool,
}

/// How many tokens were taken back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Revoked {
    /// So many.
    pub revoked: usize,
}

/// An administrator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserView {
    /// His name.
    pub name: String,
    /// His tokens.
    pub tokens: Vec<TokenView>,
}

/// An administrator to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// His name.
    pub name: String,
    /// How long his token is good, as `8760h`; else as configured.
    #[serde(default)]
    pub lifetime: Option<String>,
}

/// What one needs to know about a controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The namespace used if none is named.
    pub namespace: String,
    /// All there are.
    pub namespaces: Vec<String>,
    /// Where it is.
    pub endpoint: String,
    /// Where its router is.
    pub router: String,
    /// Whom to trust, as base64 of PEM; may be empty.
    pub ca: String,
}

/// Where a backup is to be written, on the controller's machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupTo {
    /// An absolute path of a file that is not there yet.
    pub path: std::path::PathBuf,
}

/// What a lab consists of, without its tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Everything {
    /// All clients.
    #[serde(default)]
    pub clients: Vec<ClientView>,
    /// All exporters.
    #[serde(default)]
    pub exporters: Vec<ExporterView>,
    /// All policies.
    #[serde(default)]
    pub policies: Vec<PolicyView>,
    /// Leases that have not ended.
    #[serde(default)]
    pub leases: Vec<LeaseView>,
}

/// What became of an import.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    /// What is new, as `client lab/alice`.
    pub created: Vec<String>,
    /// What was there, and is as it was.
    pub skipped: Vec<String>,
    /// What was there, and has given way.
    #[serde(default)]
    pub replaced: Vec<String>,
}

/// A key that signs tokens, or did, or one of another installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyView {
    /// The `kid` of its tokens, or the name of an imported one.
    pub id: String,
    /// Whether it signs.
    pub signs: bool,
    /// The issuer of another installation whose tokens it verifies.
    pub issuer: Option<String>,
}

/// The public key of another installation, so that its tokens are good here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedKey {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// PEM, or the JSON that its `/jwks` answers.
    pub public_key: String,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordView {
    /// Grows with time, whatever the clock did.
    pub id: i64,
    /// When.
    pub at: String,
    /// Who: `client:lab/alice`, `admin:root`, `lab` for what happens by itself.
    pub actor: String,
    /// What, in one word.
    pub what: String,
    /// The kind of object.
    pub kind: String,
    /// Where the object is.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// More, for people.
    pub detail: String,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
