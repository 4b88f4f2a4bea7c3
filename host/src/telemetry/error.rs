//! Why telemetry stays off.

use jumpstarter_client::connect::{ConnectError, TargetError};
use thiserror::Error;

/// Why no lines will be pushed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else has the lines.
    #[error("telemetry is running already")]
    Running,
    /// The controller names no place to connect to.
    #[error("the controller names a telemetry service that cannot be one: {0}")]
    Endpoint(#[from] TargetError),
    /// There is nothing to check its certificate against.
    #[error("the telemetry service cannot be trusted: {0}")]
    Trust(#[from] ConnectError),
    /// No header can carry the token.
    #[error("the token of this exporter contains characters that no token has; get a new one")]
    Token,
}
