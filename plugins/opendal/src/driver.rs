//! The storage driver: a storage, the files that are open in it, and what was created.

use std::collections::BTreeMap;
use std::time::Duration;

use jumpstarter_driver::{Context, Driver, Resource, Result, Schema, Stream, driver};
use opendal::raw::normalize_path;
use serde::Deserialize;
use tracing::{debug, error, warn};

use crate::capability::Capability;
use crate::created::Created;
use crate::files::Files;
use crate::store::{Request, Store};
use crate::types::{Algo, Fd, Metadata, Mode, Presigned};

/// Files of a directory, of a web server or in memory.
pub(crate) struct Opendal {
    scheme: String,
    store: Store,
    files: Files,
    created: Created,
    remove_created_on_close: bool,
}

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What the storage is: `fs`, `memory` or `http`.
    scheme: String,
    /// Options of the storage: `root` for `fs`, `endpoint` and `root` for `http`.
    kwargs: BTreeMap<String, String>,
    /// Whether to remove what was created, at the end of the session.
    #[serde(default)]
    #[schema(default = false)]
    remove_created_on_close: bool,
}

impl Driver for Opendal {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        let store = Store::open(&config.scheme, config.kwargs).await?;
        Ok(Self {
            scheme: config.scheme,
            store,
            files: Files::default(),
            created: Created::default(),
            remove_created_on_close: config.remove_created_on_close,
        })
    }

    async fn close(&self) {
        self.files.clear();
        let created = self.created.list();
        if !created.is_empty() {
            debug!("created in this session: {}", created.join(", "));
        }
        match (self.remove_created_on_close, &self.store) {
            (true, Store::Folder(_)) => self.remove_created(created).await,
            (true, Store::Service(_)) => warn!(
                "Cleanup not supported for scheme '{}' - only 'fs' is supported",
                self.scheme
            ),
            (false, _) => {}
        }
    }
}

/// Files of a directory, of a web server or in memory.
#[driver(
    type = "jumpstarter_driver_opendal.driver.Opendal",
    client = "jumpstarter_driver_opendal.client.OpendalClient",
    category = "other"
)]
impl Opendal {
    /// Open a file, `rb` to read or `wb` to write
    #[export]
    async fn open(&self, path: String, mode: Mode) -> Result<String> {
        let file = self.store.open_file(path.clone(), mode).await?;
        if mode == Mode::Write {
            self.created.add(&path);
        }
        Ok(self.files.add(file)?.0.to_string())
    }

    /// Send the rest of a file to the client
    #[export]
    async fn file_read(&self, fd: Fd, dst: Resource) -> Result<()> {
        match self.files.get(fd)? {
            Some(file) => file.send(dst).await,
            None => dst.write().await?.finish().await,
        }
    }

    /// Write what the client sends to a file
    #[export]
    async fn file_write(&self, fd: Fd, src: Resource) -> Result<()> {
        self.files.writable(fd)?.receive(src).await
    }

    /// Move within a file, from its start (0), the position (1) or its end (2)
    #[export]
    async fn file_seek(&self, fd: Fd, pos: i64, whence: Option<i64>) -> Result<u64> {
        self.files.seekable(fd)?.seek(pos, whence.unwrap_or(0))
    }

    /// The position in a file
    #[export]
    async fn file_tell(&self, fd: Fd) -> Result<u64> {
        self.files.seekable(fd)?.tell()
    }

    /// Close a file; what was written is on the disk then
    #[export]
    async fn file_close(&self, fd: Fd) -> Result<()> {
        match self.files.close(fd)? {
            Some(file) => file.flush().await,
            None => Ok(()),
        }
    }

    /// Whether a file is closed
    #[export(quick)]
    async fn file_closed(&self, fd: Fd) -> Result<bool> {
        Ok(self.files.get(fd)?.is_none())
    }

    /// Whether a file can be read
    #[export(quick)]
    async fn file_readable(&self, fd: Fd) -> Result<bool> {
        self.files.is_open(fd, Mode::Read)
    }

    /// Whether one can move within a file
    #[export(quick)]
    async fn file_seekable(&self, fd: Fd) -> Result<bool> {
        self.files.is_open(fd, Mode::Read)
    }

    /// Whether a file can be written
    #[export(quick)]
    async fn file_writable(&self, fd: Fd) -> Result<bool> {
        self.files.is_open(fd, Mode::Write)
    }

    /// What there is to know about a path
    #[export]
    async fn stat(&self, path: String) -> Result<Metadata> {
        self.store.stat(path).await
    }

    /// The checksum of a file, `sha256` or `md5`
    #[export]
    async fn hash(&self, path: String, algo: Option<Algo>) -> Result<String> {
        self.store.hash(path, algo.unwrap_or(Algo::Sha256)).await
    }

    /// Copy a file
    #[export]
    async fn copy(&self, source: String, target: String) -> Result<()> {
        self.store.copy(source, target.clone()).await?;
        self.created.add(&target);
        Ok(())
    }

    /// Rename a file or directory
    #[export]
    async fn rename(&self, source: String, target: String) -> Result<()> {
        self.store.rename(source.clone(), target.clone()).await?;
        self.created.forget(&source);
        self.created.add(&target);
        Ok(())
    }

    /// Remove a path with everything in it
    #[export]
    async fn remove_all(&self, path: String) -> Result<()> {
        self.store.remove_all(path.clone()).await?;
        self.created.forget(&path);
        Ok(())
    }

    /// Make a directory and those it is in; its path ends with a slash
    #[export]
    async fn create_dir(&self, path: String) -> Result<()> {
        self.store.create_dir(path.clone()).await?;
        self.created.add(&path);
        Ok(())
    }

    /// Remove a file or an empty directory
    #[export]
    async fn delete(&self, path: String) -> Result<()> {
        self.store.delete(path.clone()).await?;
        self.created.forget(&path);
        Ok(())
    }

    /// Whether there is something at a path
    #[export]
    async fn exists(&self, path: String) -> Result<bool> {
        self.store.exists(path).await
    }

    /// What is in a directory
    #[export(stream)]
    fn list(&self, path: String) -> impl Stream<Item = Result<String>> {
        self.store.list(path, false)
    }

    /// What is in a directory and in those in it
    #[export(stream)]
    fn scan(&self, path: String) -> impl Stream<Item = Result<String>> {
        self.store.list(path, true)
    }

    /// A signed request for what there is to know about a file
    #[export]
    async fn presign_stat(&self, path: String, expire_second: u32) -> Result<Presigned> {
        self.presign(Request::Stat, &path, expire_second).await
    }

    /// A signed request for the content of a file
    #[export]
    async fn presign_read(&self, path: String, expire_second: u32) -> Result<Presigned> {
        self.presign(Request::Read, &path, expire_second).await
    }

    /// A signed request that replaces the content of a file
    #[export]
    async fn presign_write(&self, path: String, expire_second: u32) -> Result<Presigned> {
        self.presign(Request::Write, &path, expire_second).await
    }

    /// What the storage can do
    #[export]
    async fn capability(&self) -> Result<Capability> {
        Ok(self.store.capability())
    }

    /// The paths that were created in this session
    #[export(quick)]
    async fn get_created_resources(&self) -> Result<Vec<String>> {
        Ok(self.created.list())
    }

    /// Take a path for one that was created in this session
    #[export(quick)]
    async fn register_path(&self, path: String) -> Result<()> {
        self.created.add(&path);
        Ok(())
    }

    async fn presign(&self, request: Request, path: &str, seconds: u32) -> Result<Presigned> {
        let valid = Duration::from_secs(seconds.into());
        self.store.presign(request, path, valid).await
    }

    /// Removes what was created, the inner ones first. What cannot be removed stays.
    async fn remove_created(&self, created: Vec<String>) {
        for path in created.into_iter().rev() {
            // The root is not ours to remove, however it is spelled.
            if normalize_path(&path) == "/" {
                continue;
            }
            match self.store.remove_all(path.clone()).await {
                Ok(()) => debug!("removed `{path}`"),
                Err(reason) => error!("cannot remove `{path}`: {reason}"),
            }
        }
    }
}
