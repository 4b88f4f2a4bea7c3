//! The passphrase of an exporter in direct mode, added to every request.

use thiserror::Error;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::Secret;

/// The metadata key that carries it.
const KEY: &str = "x-jumpstarter-passphrase";

/// The passphrase as a header, or none.
#[derive(Clone)]
pub struct Passphrase(Option<MetadataValue<Ascii>>);

/// A passphrase that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the passphrase must consist of printable ASCII characters")]
pub struct UnusablePassphrase;

// === impl Passphrase ===

impl Passphrase {
    /// Adds nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Prepares `secret` as a header that is never logged.
    pub(super) fn new(secret: &Secret<String>) -> Result<Self, UnusablePassphrase> {
        let mut value: MetadataValue<Ascii> =
            secret.expose().parse().map_err(|_| UnusablePassphrase)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "[redacted]"
        } else {
            "none"
        })
    }
}

impl Interceptor for Passphrase {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert(KEY, value.clone());
        }
        Ok(request)
    }
}
