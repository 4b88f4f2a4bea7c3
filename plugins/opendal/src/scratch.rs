//! A directory that goes away with its driver. Not the session's folder, which is small where it
//! lies in memory: disk images go in here.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jumpstarter_driver::{Error, Resource, Result};
use tempfile::TempDir;
use tracing::warn;

use crate::folder::Folder;
use crate::transfer::{blocking, receive, send};
use crate::types::Mode;

/// The directory.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: Arc<Folder>,
    path: PathBuf,
    directory: Mutex<Option<TempDir>>,
}

// === impl Scratch ===

impl Scratch {
    pub(crate) async fn new() -> Result<Self> {
        blocking(|| {
            let directory = tempfile::Builder::new().prefix("jumpstarter-").tempdir()?;
            Ok(Self {
                folder: Arc::new(Folder::open(directory.path())?),
                path: directory.path().to_owned(),
                directory: Mutex::new(Some(directory)),
            })
        })
        .await
    }

    /// Writes what the client sends to a file, over what was there.
    pub(crate) async fn receive(&self, name: String, source: Resource) -> Result<()> {
        let file = self.open(name.clone(), Mode::Write).await?;
        receive(source, Arc::new(file), name).await
    }

    /// Sends a file to the client.
    pub(crate) async fn send(&self, name: String, target: Resource) -> Result<()> {
        let file = self.open(name.clone(), Mode::Read).await?;
        send(target, Arc::new(file), name).await
    }

    /// Makes an empty file.
    pub(crate) async fn make(&self, name: &str) -> Result<()> {
        self.open(name.to_owned(), Mode::Write).await.map(drop)
    }

    pub(crate) async fn close(&self) {
        let directory = self
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(directory) = directory else {
            return;
        };
        if let Err(error) = blocking(move || Ok(directory.close()?)).await {
            let path = self.path.display();
            warn!("cannot remove `{path}`: {error}");
        }
    }

    async fn open(&self, name: String, mode: Mode) -> Result<File> {
        let folder = Arc::clone(&self.folder);
        let path = self.path.join(&name);
        blocking(move || {
            if mode == Mode::Read && !folder.exists(&name)? {
                // As Python puts it, since there are scripts that look for it.
                let path = path.display();
                let text = format_args!("[Errno 2] No such file or directory: '{path}'");
                return Err(Error::internal(text));
            }
            folder.open_file(&name, mode)
        })
        .await
    }
}
