//! Log lines, pushed to a collector that the controller names.
//!
//! ```text
//!   log::Tap ─► Feed (10,000, oldest dropped) ─► pusher ─► PushLogs, 50 entries at a time
//!                                                  │
//!                                  stderr ◄─ what could not be pushed
//! ```
//!
//! Nothing that happens here is logged: it would be pushed too, and fail as well.

mod collector;
mod error;
mod pusher;

use std::time::Duration;

use jumpstarter_client::{Secret, env};
use jumpstarter_proto::v1::TelemetryEndpoint;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Level;

pub use error::StartError;

use crate::log;
use collector::Collector;
use pusher::Pusher;

/// How long [`Telemetry::close`] may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Who pushes, and how much it trusts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the controller knows this exporter by; sent along if there is one.
    pub token: Option<Secret<String>>,
    /// `tls.insecure` of the configuration: plaintext to a collector without a certificate.
    pub insecure: bool,
}

/// Lines of this process are pushed for as long as this lives.
#[derive(Debug)]
pub struct Telemetry {
    tap: log::Tap,
    closing: CancellationToken,
    pusher: JoinHandle<()>,
}

/// Starts pushing lines to `endpoint`, from inside a tokio runtime. Nobody is connected to before
/// there is a line.
///
/// # Errors
///
/// Why nothing will be pushed. One `Telemetry` at a time gets the lines.
pub fn start(endpoint: &TelemetryEndpoint, options: Options) -> Result<Telemetry, StartError> {
    let insecure = options.insecure || env::insecure();
    let collector = Collector::new(endpoint, options.token, insecure)?;
    let tap = log::tap(least(&endpoint.min_severity)).map_err(|log::Taken| StartError::Running)?;
    Ok(Telemetry::run(tap, collector))
}

/// The least important lines that are wanted; none if even errors are not.
fn least(min_severity: &str) -> Option<Level> {
    match min_severity.to_ascii_lowercase().as_str() {
        "debug" => Some(Level::DEBUG),
        "info" | "" => Some(Level::INFO),
        "warning" => Some(Level::WARN),
        "error" => Some(Level::ERROR),
        // No line of the exporter is this important.
        "critical" => None,
        _ => {
            tracing::warn!(
                min_severity,
                "The controller asks for telemetry of an unknown severity, it gets `info`"
            );
            Some(Level::INFO)
        }
    }
}

// === impl Telemetry ===

impl Telemetry {
    fn run(tap: log::Tap, collector: Collector) -> Self {
        let closing = CancellationToken::new();
        let pusher = Pusher {
            feed: tap.feed().clone(),
            collector,
            closing: closing.clone(),
        };
        Self {
            tap,
            closing,
            pusher: tokio::spawn(pusher.run()),
        }
    }

    /// Pushes all that has come so far, unless the collector fails or takes longer than ten seconds;
    /// what comes later is not pushed.
    pub async fn close(mut self) {
        self.tap.shut();
        self.closing.cancel();
        // On time-out the task is aborted below; the process is about to end.
        if timeout(CLOSE_WITHIN, &mut self.pusher).await.is_err() {
            let left = self.tap.feed().waiting();
            log::print(&format!(
                "[telemetry] out of time, {left} entries and those under way dropped"
            ));
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.pusher.abort();
    }
}

#[cfg(test)]
mod tests;
