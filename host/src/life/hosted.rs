//! A session behind a private unix socket: what every kind of exporter consists of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::ExporterConfig;
use crate::listen::{Folder, FolderError, Server};
use crate::plugin::Registry;
use crate::service::Rpc;
use crate::session::{Kind, Session};
use crate::tree::TreeErrors;

/// How long running calls may go on after a stop.
const GRACE: Duration = Duration::from_secs(1);
/// How long stopping may take in all.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// An open session that clients can reach through its socket.
#[derive(Debug)]
pub struct Hosted {
    /// The session.
    pub session: Arc<Session>,
    /// Its services, for the programs that the exporter runs itself.
    pub rpc: Rpc,
    /// Its doors.
    pub server: Server,
    /// Held by whoever waits for the session as well, since one that never gets up never removes it.
    folder: Arc<Folder>,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is no room for its socket.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The configuration or the drivers have mistakes.
    #[error(transparent)]
    Drivers(#[from] TreeErrors),
}

// === impl Hosted ===

impl Hosted {
    /// Opens the drivers and the socket, in `folder`. The session is not ready yet.
    ///
    /// # Errors
    ///
    /// There is no place for the socket, or drivers do not open.
    pub async fn open(
        config: &ExporterConfig,
        registry: &Registry,
        kind: Kind,
        folder: Arc<Folder>,
    ) -> Result<Self, HostError> {
        let drivers = folder.inner("drivers")?;
        let listener = folder.listen()?;
        let session = Arc::new(Session::open(config, registry, &drivers, kind).await?);
        let rpc = Rpc::for_hooks(Arc::clone(&session)).await;
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

    /// Where programs on this machine reach it.
    pub fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    /// Closes the doors at once, gives running calls a second, and closes the drivers.
    pub async fn close(self) {
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
