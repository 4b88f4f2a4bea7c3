//! A unix socket that leads to the exporter of a lease.
//!
//! ```text
//! j ─► socket ─► Dial ─► router ══ exporter       for each connection, on its own
//! ```
//!
//! A connection that cannot be made is closed, and harms no other: the next one may work.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use thiserror::Error;
use tokio::net::UnixListener;
use tokio::task::AbortHandle;
use tonic::Status;

use super::{Leases, dial};
use crate::{ByteStream, forward};

/// Why there is no socket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// There is no place for it.
    #[error("cannot make a folder for the socket: {0}; set XDG_RUNTIME_DIR or TMPDIR")]
    Folder(#[source] io::Error),
    /// It cannot be made.
    #[error("cannot make the socket `{}`: {source}", path.display())]
    Socket {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A unix socket, in a folder of its own that nobody else may enter; gone when dropped, with all of
/// its connections.
#[derive(Debug)]
pub struct Tunnel {
    path: PathBuf,
    transferred: Arc<AtomicBool>,
    task: AbortHandle,
    _folder: TempDir,
}

/// What is needed for one more connection.
#[derive(Clone)]
struct Way {
    leases: Leases,
    lease: Arc<str>,
    exporter: Arc<str>,
    transferred: Arc<AtomicBool>,
}

// === impl Tunnel ===

impl Tunnel {
    pub(super) fn open(leases: Leases, lease: &str, exporter: &str) -> Result<Self, TunnelError> {
        let folder = folder()?;
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).map_err(|source| TunnelError::Socket {
            path: path.clone(),
            source,
        })?;
        let transferred = Arc::<AtomicBool>::default();
        let way = Way {
            leases,
            lease: lease.into(),
            exporter: exporter.into(),
            transferred: Arc::clone(&transferred),
        };
        let open = move || {
            let way = way.clone();
            async move { way.open().await }
        };
        let peer = exporter.to_owned();
        let task = tokio::spawn(async move { forward::unix_to(&peer, &listener, open).await });
        Ok(Self {
            path,
            transferred,
            task: task.abort_handle(),
            _folder: folder,
        })
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a connection was refused because the lease is somebody else's now.
    pub fn is_transferred(&self) -> bool {
        self.transferred.load(Ordering::Relaxed)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// In the user's runtime folder, if there is one that can be used, else among temporary files.
fn folder() -> Result<TempDir, TunnelError> {
    let mut new = tempfile::Builder::new();
    new.prefix("jumpstarter-")
        .permissions(Permissions::from_mode(0o700))
        .rand_bytes(8);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    if let Some(folder) = runtime.and_then(|place| new.tempdir_in(place).ok()) {
        return Ok(folder);
    }
    new.tempdir().map_err(TunnelError::Folder)
}

// === impl Way ===

impl Way {
    async fn open(&self) -> Result<ByteStream, String> {
        let controller = self.leases.controller();
        let failed = |what: &str, status: &Status| {
            format!("{what} failed for {}: {}", self.exporter, status.message())
        };
        let meeting = match dial::once(&controller, &self.lease).await {
            Ok(meeting) => meeting,
            Err(status) => {
                if dial::is_transferred(&status) && !self.transferred.swap(true, Ordering::Relaxed)
                {
                    dial::say_transferred(&self.lease);
                }
                return Err(failed("Per-connection Dial", &status));
            }
        };
        let stream = controller.router(&meeting.endpoint, &meeting.token).await;
        stream.map_err(|status| failed("Connection to the router", &status))
    }
}
