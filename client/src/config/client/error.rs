//! Why there is no way to the controller of a client.

use std::path::Path;

use thiserror::Error;

use crate::connect::CaError;
use crate::controller::ControllerError;

/// Why there is no way to the controller of a client: what in its settings cannot be used.
#[derive(Debug, Error)]
#[error("{place}: {key}: {why}")]
pub struct ClientError {
    place: String,
    key: &'static str,
    #[source]
    why: Unusable,
}

/// What is wrong with it.
#[derive(Debug, Error)]
pub(super) enum Unusable {
    /// The CA is no CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Endpoint, token or names cannot be used, or the CA is damaged.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}

// === impl ClientError ===

impl ClientError {
    /// In the file at `path`, or in the environment.
    pub(super) fn new(path: Option<&Path>, why: Unusable) -> Self {
        let key = match &why {
            // It names the rest itself.
            Unusable::Ca(_) => "tls",
            Unusable::Controller(ControllerError::Trust(_)) => "tls.ca",
            Unusable::Controller(ControllerError::Endpoint(_)) => "endpoint",
            Unusable::Controller(ControllerError::Identity(identity)) => match identity.what() {
                "token" => "token",
                "namespace" => "metadata.namespace",
                _ => "metadata.name",
            },
        };
        let place = path.map_or_else(
            || "the environment".to_owned(),
            |path| format!("`{}`", path.display()),
        );
        Self { place, key, why }
    }
}
