//! Why telemetry stays off.

use thiserror::Error;

/// Why no lines will be pushed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else has the lines.
    #[error("telemetry is running already")]
    Running,
    /// The controller names no place to connect to.
    #[error(
        "`{endpoint}` is no address of a telemetry service; \
         the controller should name it as HOST:PORT"
    )]
    Endpoint {
        /// What it names.
        endpoint: String,
    },
    /// No header can carry the token.
    #[error("the token of this exporter contains characters that no token has; log in again")]
    Token,
}
