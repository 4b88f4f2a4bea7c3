//! Unix sockets that lead to a driver.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

use super::ForwardError;
use super::connection::{Listener, Local, Silence, serve};
use super::stream_to;
use crate::{ByteStream, Device};

/// A unix socket that leads to a driver while [`run`](Self::run) runs; removed when dropped.
#[derive(Debug)]
pub struct UnixForward {
    listener: UnixListener,
    socket: Socket,
}

/// A socket's place in the file system.
#[derive(Debug)]
struct Socket {
    path: PathBuf,
    /// Around it, if nobody said where it should be.
    _folder: Option<TempDir>,
}

// === impl UnixForward ===

impl UnixForward {
    /// Listens on `path`; without one, in a new folder that is ours alone.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub async fn bind(path: Option<&Path>) -> Result<Self, ForwardError> {
        let (path, folder) = match path {
            Some(path) => {
                vacate(path).await?;
                (path.to_owned(), None)
            }
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("jumpstarter-")
                    .permissions(Permissions::from_mode(0o700))
                    .tempdir()
                    .map_err(ForwardError::Folder)?;
                (folder.path().join("socket"), Some(folder))
            }
        };
        match UnixListener::bind(&path) {
            Ok(listener) => Ok(Self {
                listener,
                socket: Socket {
                    path,
                    _folder: folder,
                },
            }),
            Err(source) => Err(ForwardError::Socket { path, source }),
        }
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.socket.path
    }

    /// Opens a stream by `method` of `device` for each connection; ends only by being dropped.
    pub async fn run(self, device: &Device, method: &str) -> Infallible {
        let open = stream_to(device, method);
        serve(device.name(), &self.listener, Silence::Listens, open).await
    }
}

/// Carries each HTTP/2 connection of `listener` to `peer` over a stream that `open` makes; ends only by
/// being dropped.
pub(crate) async fn unix_to<F>(
    peer: &str,
    listener: &UnixListener,
    open: impl Fn() -> F,
) -> Infallible
where
    F: Future<Output = Result<ByteStream, String>> + Send + 'static,
{
    serve(peer, listener, Silence::Gone, open).await
}

/// Removes a socket that nobody listens on any more; everything else is left alone.
async fn vacate(path: &Path) -> Result<(), ForwardError> {
    let path = path.to_owned();
    match fs::symlink_metadata(&path) {
        Err(_) => Ok(()),
        Ok(found) if found.file_type().is_socket() && is_dead(&path).await => {
            fs::remove_file(&path).map_err(|source| ForwardError::Socket { path, source })
        }
        Ok(_) => Err(ForwardError::Exists { path }),
    }
}

async fn is_dead(path: &Path) -> bool {
    let answer = UnixStream::connect(path).await;
    answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        fs::remove_file(&self.path).ok();
    }
}

impl Listener for UnixListener {
    type Local = UnixStream;

    async fn accept_one(&self) -> io::Result<UnixStream> {
        let (stream, _) = self.accept().await?;
        Ok(stream)
    }
}

impl Local for UnixStream {
    type Reading = OwnedReadHalf;
    type Writing = OwnedWriteHalf;

    /// The sockets of clients have no address, but a process behind them.
    fn peer(&self) -> String {
        let process = self.peer_cred().ok().and_then(|peer| peer.pid());
        process.map_or_else(|| "a program".to_owned(), |id| format!("process {id}"))
    }

    fn split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }

    /// A unix socket has only one kind of end.
    fn break_off(_: OwnedWriteHalf) {}
}
