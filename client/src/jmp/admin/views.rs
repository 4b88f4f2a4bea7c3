//! What a controller says of its objects, as far as it is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Secret;

pub(super) type Labels = BTreeMap<String, String>;

/// Why something was not done.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) reason: String,
    pub(super) message: String,
}

/// The controller itself.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    pub(super) namespace: String,
}

/// What clients and exporters have in common.
#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) labels: Labels,
    pub(super) username: Option<String>,
    pub(super) created: String,
    pub(super) generation: i64,
    pub(super) endpoint: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Client {
    #[serde(flatten)]
    pub(super) meta: Meta,
}

#[derive(Debug, Deserialize)]
pub(super) struct Exporter {
    #[serde(flatten)]
    pub(super) meta: Meta,
    pub(super) enabled: bool,
    pub(super) status: Option<String>,
    pub(super) status_message: String,
    pub(super) devices: Vec<Device>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Device {
    pub(super) uuid: String,
    pub(super) labels: Labels,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lease {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) client: String,
    pub(super) selector: String,
    pub(super) pinned: Option<String>,
    pub(super) exporter: Option<String>,
    pub(super) state: String,
    /// In seconds.
    pub(super) duration: Option<f64>,
    pub(super) began: Option<String>,
    pub(super) ended: Option<String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) created: String,
    pub(super) generation: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) holds: bool,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) since: String,
    pub(super) generation: i64,
}

/// A client or an exporter to be made.
#[derive(Debug, Serialize)]
pub(super) struct NewObject {
    pub(super) name: String,
    pub(super) labels: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
}

/// A lease to be made for somebody.
#[derive(Debug, Serialize)]
pub(super) struct NewLease {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) client: String,
    pub(super) selector: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exporter: Option<String>,
    pub(super) duration: String,
}

/// A token to be issued.
#[derive(Debug, Serialize)]
pub(super) struct NewToken {
    /// Whether earlier ones end.
    pub(super) rotate: bool,
}

/// A new token, with all that a configuration file needs.
#[derive(Debug, Deserialize)]
pub(super) struct Issued {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) endpoint: String,
    /// As base64 of PEM.
    pub(super) ca: String,
    pub(super) token: Secret<String>,
}
