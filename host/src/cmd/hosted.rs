//! A session behind a private unix socket: what every kind of exporter consists of.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime;

use crate::config::ExporterConfig;
use crate::listen::{Folder, FolderError, Server};
use crate::plugin::Registry;
use crate::service::{Exporter, Rpc};
use crate::session::{Kind, Session};
use crate::tree::TreeErrors;

use super::{Failure, Outcome};

/// How long running calls may go on after a stop.
const GRACE: Duration = Duration::from_secs(1);
/// How long stopping may take in all.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// How long a signal waits for a session that is about to be up.
pub(super) const LAST_MOMENT: Duration = Duration::from_millis(200);
/// Calls are answered by more threads than this only where there are more CPUs, up to `THREADS.1`.
const THREADS: (usize, usize) = (2, 8);

/// An open session that clients can reach through its socket.
#[derive(Debug)]
pub(super) struct Hosted {
    pub(super) session: Arc<Session>,
    pub(super) rpc: Rpc,
    pub(super) server: Server,
    /// Held by whoever waits for the session as well, since one that never gets up never removes it.
    folder: Arc<Folder>,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Drivers(#[from] TreeErrors),
}

// === impl Hosted ===

impl Hosted {
    /// Opens the drivers and the socket, in `folder`. The session is not ready yet.
    pub(super) async fn open(
        config: &ExporterConfig,
        registry: &Registry,
        kind: Kind,
        folder: Arc<Folder>,
    ) -> Result<Self, HostError> {
        let drivers = folder.inner("drivers")?;
        let listener = folder.listen()?;
        let session = Arc::new(Session::open(config, registry, &drivers, kind).await?);
        let rpc = Rpc::new(Exporter::new(Arc::clone(&session))).await;
        let server = Server::new();
        // Only this user can reach the socket, so it asks for no passphrase.
        server.serve_unix(listener, rpc.clone());
        Ok(Self {
            session,
            rpc,
            server,
            folder,
        })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    /// Closes the doors at once, gives running calls a second, and closes the drivers.
    pub(super) async fn close(self) {
        let since = Instant::now();
        let Self {
            session,
            rpc,
            server,
            folder,
        } = self;
        tracing::info!("Stopping session server...");
        session.begin_closing();
        rpc.begin_closing().await;
        server.stop(GRACE, || session.give_up()).await;
        session
            .close(STOP_WITHIN.saturating_sub(since.elapsed()))
            .await;
        folder.remove();
        tracing::info!("Session server stopped");
    }
}

/// Does `work` on the threads that answer calls.
pub(super) fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(cpus.clamp(THREADS.0, THREADS.1))
        .thread_name("exporter")
        .enable_all()
        .build()
        .map_err(|error| Failure::Error(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(work);
    // A thread that is stuck reading, stdin for example, must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Logs what in the configuration is allowed but probably not meant.
pub(super) fn warn_about(config: &ExporterConfig) {
    for mistake in &config.warnings {
        tracing::warn!("{}", mistake.show(&config.source, ""));
    }
}

/// Warns whoever typed the command, in the words scripts may look for.
pub(super) fn warn(message: &str) {
    // Without stderr there is nobody to warn.
    writeln!(std::io::stderr(), "WARNING: {message}").ok();
}
