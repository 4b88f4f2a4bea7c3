//! Why a login did not work.

use thiserror::Error;

use super::CallbackError;
use crate::connect::ConnectError;
use crate::http::HttpError;

/// Why a login did not work.
#[derive(Debug, Error)]
pub(crate) enum OidcError {
    /// The certificates to trust could not be loaded.
    #[error(transparent)]
    Trust(#[from] ConnectError),
    /// The provider does not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It answers with something else.
    #[error("`{url}` answered HTTP {status}: {text}")]
    Status {
        url: String,
        status: u16,
        text: String,
    },
    /// Its answer is no JSON, or lacks something.
    #[error("`{url}` answered something unexpected: {why}")]
    Answer { url: String, why: String },
    /// It refused, with a code and perhaps a reason.
    #[error("{0}")]
    Refused(String),
    /// It cannot do what was asked for.
    #[error(
        "The identity provider does not support Device Authorization Grant (RFC 8628). \
         The OIDC discovery document does not include a 'device_authorization_endpoint'. \
         Contact your IdP administrator to enable device flow, or use a different login method."
    )]
    NoDeviceFlow,
    /// The device flow did not begin.
    #[error("Device authorization request failed (HTTP {status}): {body}")]
    DeviceRequest { status: u16, body: String },
    /// The device flow began in a way that cannot go on.
    #[error("Device authorization request failed: {0}")]
    DeviceAnswer(&'static str),
    /// Nobody confirmed in time, says the provider.
    #[error("Device authorization has expired. Please try again.")]
    DeviceExpired,
    /// Somebody said no.
    #[error("Authorization request was denied by the user.")]
    DeviceDenied,
    /// Something else.
    #[error("Device authorization failed: {0}")]
    Device(String),
    /// Nobody confirmed in time.
    #[error("Device authorization timed out waiting for user approval. Please try again.")]
    DeviceTimedOut,
    /// The browser cannot come back to us.
    #[error(transparent)]
    Callback(#[from] CallbackError),
}
