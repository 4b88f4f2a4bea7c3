//! From a connection to the moment at which a child can start, whoever made the connection.
//!
//! ```text
//! report ─► status ─► log and status are watched ─► beforeLease hook is over ─► motd
//! ```

use std::io;
use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use tokio::time::timeout;
use tonic::Code;
use tracing::info;

use super::log::Log;
use crate::Session;
use crate::cli::printable;
use crate::status::{Monitor, Waited, get_status};
use crate::ui::{Colour, Console, Failure, paint, print};

/// How long a hook may take.
pub(super) const HOOK_WITHIN: Duration = Duration::from_secs(300);
/// How long the exporter may take to answer what is only nice to know: its log, its motd.
pub(super) const EXTRAS_WITHIN: Duration = Duration::from_secs(5);
/// Lines that arrive this soon after one another belong to what was already happening.
pub(super) const SETTLED: Duration = Duration::from_millis(5);
/// What a driver logs about the last call may arrive after the command ended.
pub(super) const LAST_LINES: Duration = Duration::from_millis(50);
/// Marks the message of a status that a hook left with a warning.
const HOOK_WARNING: &str = "[HOOK_WARNING] ";

/// What a shell is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) console: &'static Console,
    /// Whether drivers' lines are shown.
    pub(super) exporter_logs: bool,
    /// Whether somebody sits there.
    pub(super) interactive: bool,
}

/// A session that a child can use.
pub(super) struct Attached {
    pub(super) session: Session,
    pub(super) log: Log,
    /// Keeps watching while the child runs.
    pub(super) monitor: Monitor,
    /// Whether the exporter has a status at all.
    pub(super) has_status: bool,
}

/// Why there is no session.
pub(super) enum Detached {
    /// The exporter does not answer any more; somebody else may get a better answer.
    Unreachable(String),
    /// It stopped answering while its hook ran.
    Lost,
    /// It does answer.
    Failure(Failure),
}

// === impl Attached ===

impl Attached {
    /// Waits until the exporter called this lets a child in.
    pub(super) async fn to(
        session: Session,
        exporter: &str,
        manner: Manner,
    ) -> Result<Self, Detached> {
        let status = match get_status(&session.client()).await {
            Ok(status) => status,
            Err(status) => {
                return Err(match status.code() {
                    Code::Unavailable | Code::DeadlineExceeded => Detached::Unreachable(format!(
                        "Exporter {exporter} did not respond to initial status check"
                    )),
                    _ => Detached::Failure(Failure::Error(format!(
                        "Failed to get exporter status: {}",
                        status.message()
                    ))),
                });
            }
        };
        let mut log = Log::of(&session, manner.console, manner.exporter_logs);
        let monitor = Monitor::start(session.client());
        info!("Waiting for beforeLease hook to complete...");
        ready(&monitor, &mut log).await?;
        // What the hook printed comes before what the command prints.
        log.settle(SETTLED).await;
        show_warning(&monitor.snapshot().message).map_err(Detached::Failure)?;
        if manner.interactive
            && let Ok(Ok(response)) = timeout(EXTRAS_WITHIN, session.client().get_report(())).await
        {
            let motd = response.into_inner().motd;
            if !motd.is_empty() {
                print(&motd).map_err(Detached::Failure)?;
            }
        }
        Ok(Self {
            session,
            log,
            monitor,
            has_status: status.is_some(),
        })
    }
}

/// Waits for the exporter to be ready.
async fn ready(monitor: &Monitor, log: &mut Log) -> Result<(), Detached> {
    const OUTCOMES: [ExporterStatus; 3] = [
        ExporterStatus::LeaseReady,
        ExporterStatus::BeforeLeaseHookFailed,
        // An exporter that is about to end lets nobody in any more.
        ExporterStatus::Offline,
    ];
    let waited = log.during(monitor.wait_for(&OUTCOMES, HOOK_WITHIN)).await;
    let text = match waited {
        Waited::Reached(ExporterStatus::LeaseReady) => return Ok(()),
        Waited::Lost => {
            info!("Connection to exporter lost");
            return Err(Detached::Lost);
        }
        Waited::Reached(status) => {
            log.settle(SETTLED).await;
            match status {
                ExporterStatus::Offline => "Exporter shutting down",
                _ => "beforeLease hook failed",
            }
        }
        Waited::TimedOut | Waited::Unsupported => "Timeout waiting for beforeLease hook",
    };
    let failure = Failure::Error(message_or(monitor, text));
    Err(Detached::Failure(failure))
}

/// What the exporter says about its status, or this.
pub(super) fn message_or(monitor: &Monitor, text: &str) -> String {
    match monitor.snapshot().message {
        message if message.is_empty() => text.to_owned(),
        message => message,
    }
}

/// Shows the warning that a hook left, if there is one in the message of a status.
pub(super) fn show_warning(message: &str) -> Result<(), Failure> {
    match message.strip_prefix(HOOK_WARNING) {
        Some(warning) => {
            let warning = format!("Warning: {}", printable(warning));
            print(&paint(&warning, Colour::Yellow, &io::stdout()))
        }
        None => Ok(()),
    }
}
