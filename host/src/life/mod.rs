//! An exporter, alive: does what the machine in [`lease`](crate::lease) decides.
//!
//! ```text
//!   signals ──────────────┐                                  ┌─> board of the session, controller
//!   Status stream ────────┤                                  ├─> hook
//!   session, EndSession ──┼──> Shell ── event ──> Life       ├─> journal
//!   hooks, timers ────────┤      ▲                  │        ├─> session: open, close
//!   Released, Closed ─────┘      └──── actions ─────┘ ───────┴─> release, OFFLINE, exit
//! ```
//!
//! The loop never waits for anything but the disk: what takes time is a task that sends news. Every
//! task belongs to the lease or to the process, and ends with it.

mod current;
mod hear;
mod hosted;
mod listening;
mod news;
mod perform;
mod registration;
mod shell;
mod tasks;
mod telemetry;

use std::fmt;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::ExporterConfig;
use crate::controller::Link;
use crate::lease::Stopping;
use crate::listen::Address;
use crate::plugin::Registry;
use crate::service::Passphrase;

pub use hosted::{HostError, Hosted};

use shell::Shell;

/// An exporter that is about to live.
#[derive(Debug)]
pub struct Exporter {
    /// What it is.
    pub config: ExporterConfig,
    /// Where its drivers come from.
    pub registry: Registry,
    /// Where its clients come from.
    pub side: Side,
    /// Whether it lives for one lease only.
    pub exit_on_lease_end: bool,
}

/// Where clients come from.
#[derive(Debug)]
pub enum Side {
    /// Through a port, whoever finds it.
    Port(Port),
    /// Through tunnels, whoever the controller sends.
    Controller(Link),
}

/// A port that is bound. Who connects is served as soon as the drivers are open.
pub struct Port {
    /// As it was typed.
    pub address: Address,
    /// The port itself, until it is served.
    pub listener: Option<TcpListener>,
    /// None serves plaintext.
    pub tls: Option<TlsAcceptor>,
    /// What clients must present.
    pub passphrase: Option<Passphrase>,
}

/// A reason to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How soon.
    pub how: Stopping,
    /// What the process exits with.
    pub code: u8,
    /// The name of the signal that asked for it.
    pub signal: &'static str,
}

/// Why there is no exporter.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// The only session there is did not open.
    #[error(transparent)]
    Open(HostError),
    /// Somebody did not want to wait for the end.
    #[error("the exporter was stopped by force")]
    Forced,
}

/// Lives until a stop comes, and is wound up, or until `force` is cancelled: then it ends as it is.
/// The exit code is that of the stop, or what the failure of a hook asks for.
///
/// # Errors
///
/// An exporter with a port could not open its drivers, or somebody used force.
pub async fn live(
    exporter: Exporter,
    stops: mpsc::Receiver<Stop>,
    force: CancellationToken,
) -> Result<u8, LifeError> {
    Shell::new(exporter).run(stops, force).await
}

// === impl Port ===

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
