//! The shared secret of an exporter that serves without a controller.

use jumpstarter_client::Secret;
use subtle::ConstantTimeEq;
use tonic::Status;
use tonic::codegen::http::HeaderMap;

const HEADER: &str = "x-jumpstarter-passphrase";

/// What every call must present.
#[derive(Clone, Debug)]
pub struct Passphrase(Secret<String>);

// === impl Passphrase ===

impl Passphrase {
    /// The secret itself.
    pub fn new(secret: Secret<String>) -> Self {
        Self(secret)
    }

    /// Refuses a call of `method` that does not present the passphrase.
    pub(super) fn check(&self, headers: &HeaderMap, method: &str) -> Result<(), Status> {
        let presented = headers
            .get(HEADER)
            .map_or(&b""[..], |value| value.as_bytes());
        // Takes equally long wherever the first wrong byte is, so that timing does not help to guess.
        if presented.ct_eq(self.0.expose().as_bytes()).into() {
            return Ok(());
        }
        tracing::warn!("authentication failed: invalid or missing passphrase for method {method}");
        Err(Status::unauthenticated("invalid or missing passphrase"))
    }
}
